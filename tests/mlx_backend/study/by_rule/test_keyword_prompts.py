from __future__ import annotations

import random

import pytest

from mlx_backend.study.by_rule.keyword_prompts import content_terms, keyword_prompts


def test_prompts_are_made_of_the_statements_words_and_differ() -> None:
    found = keyword_prompts("Mill notes", "The mill was painted by Oskar.", 12, random.Random(1))
    assert len({prompt for prompt, _ in found}) == len(found) > 6
    for prompt, key in found:
        assert not key or key.casefold() not in prompt.casefold()
    assert {"Oskar"} < {key for _, key in found} <= {"Oskar", "mill", "painted", ""}


def test_the_same_seed_gives_the_same_prompts() -> None:
    one, other = (keyword_prompts("A", "Oskar has 4 goats.", 9, random.Random(3)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("text", ["", "...", "今天天气很好", "x", "{} {0} %s", "the of and"])
def test_hostile_statements_give_whole_prompts_or_none(text: str) -> None:
    for prompt, _ in keyword_prompts(text, text, 8, random.Random(0)):
        assert prompt.strip(" ?:")


def test_names_stand_in_prompts_that_ask_for_other_words() -> None:
    found = keyword_prompts("Log", "Ivor checks the meters with a dipstick.", 40, random.Random(1))
    named = [(prompt, key) for prompt, key in found if "ivor" in prompt.lower()]
    assert len(named) > 8
    assert {key for _, key in named} >= {"dipstick", "meters"}
    assert any(key == "Ivor" for _, key in found)


def test_prompts_have_two_words_of_the_statement_at_least() -> None:
    text = "The heat camera was last seen with Tomasz in the basement."
    own = {word.lower() for word in content_terms(text)}
    for prompt, _ in keyword_prompts("To do", text, 60, random.Random(2), "Order sealing rings"):
        asked = {word.lower() for word in content_terms(prompt)}
        assert len(asked & own) >= 2, prompt


def test_some_prompts_have_phrases_with_their_function_words() -> None:
    text = "Report to Mrs Oakes at the weighbridge before seven."
    found = [prompt.lower() for prompt, _ in keyword_prompts("Trip", text, 40, random.Random(3))]
    assert sum("at the weighbridge" in prompt for prompt in found) > 3


def test_some_prompts_have_words_of_what_stands_beside_the_statement() -> None:
    text = "Their foreman checks them with a dipstick every evening."
    found = keyword_prompts("Log", text, 60, random.Random(4), "The trial begins at Penhallow.")
    beside = [prompt for prompt, _ in found if "penhallow" in prompt.lower()]
    assert 3 < len(beside) < len(found) / 2
