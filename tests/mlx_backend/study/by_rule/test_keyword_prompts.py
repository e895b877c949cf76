from __future__ import annotations

import random

import pytest

from mlx_backend.study.by_rule.keyword_prompts import keyword_prompts


def test_prompts_are_made_of_the_statements_words_and_differ() -> None:
    found = keyword_prompts("Mill notes", "The mill was painted by Oskar.", 12, random.Random(1))
    assert len({prompt for prompt, _ in found}) == len(found) > 6
    for prompt, key in found:
        assert not key or key.casefold() not in prompt.casefold()
    assert {key for _, key in found} <= {"Oskar", ""}


def test_the_same_seed_gives_the_same_prompts() -> None:
    one, other = (keyword_prompts("A", "Oskar has 4 goats.", 9, random.Random(3)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("text", ["", "...", "今天天气很好", "x", "{} {0} %s", "the of and"])
def test_hostile_statements_give_whole_prompts_or_none(text: str) -> None:
    for prompt, _ in keyword_prompts(text, text, 8, random.Random(0)):
        assert prompt.strip(" ?:")
