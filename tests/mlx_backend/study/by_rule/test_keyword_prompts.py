from __future__ import annotations

import random
import re

import pytest

from mlx_backend.study.by_rule.keyword_prompts import content_terms, keyword_prompts
from mlx_backend.text.words import word_set


def prompts_of(
    title: str, text: str, number: int, seed: int, around: str = ""
) -> list[tuple[str, str]]:
    """(prompt, key) of the prompts that a statement answers, one for each key."""
    found = keyword_prompts(title, text, (number, 1), random.Random(seed), around)
    return [(prompt, each.key) for each in found for prompt in each.prompts]


def test_prompts_are_made_of_the_statements_words_and_differ() -> None:
    found = prompts_of("Mill notes", "The mill was painted by Oskar.", 12, seed=1)
    assert len({prompt for prompt, _ in found}) == len(found) > 6
    assert {"Oskar"} < {key for _, key in found} <= {"Oskar", "mill", "painted"}


def test_the_same_seed_gives_the_same_prompts() -> None:
    one, other = (prompts_of("A", "Oskar has 4 goats.", 9, seed=3) for _ in range(2))
    assert one == other


def test_the_wordings_of_a_key_differ_and_hold_it_nowhere() -> None:
    text = "Tufnell found a pinched cable behind the pump in room B11."
    found = keyword_prompts("Work log: the pump", text, (14, 12), random.Random(5))
    prompts = [prompt for each in found for prompt in each.prompts]
    assert len(set(prompts)) == len(prompts) > 60
    for each in found:
        for prompt in each.prompts:
            assert each.key.lower() not in re.findall(r"[\w'-]+", prompt.lower())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "今天天气很好",
        "x",
        "{} {0} %s",
        "the of and",
        'He said "..." twice.',
        'Press "a", "b" or "c".',
        f'He wrote "{"long " * 20}", and then ", " again.',
        "C++ (C) [a-z]+ $1 \\1 is c++",
        "Mill, mill and MILL",
    ],
)
def test_hostile_statements_give_whole_prompts_or_none(text: str) -> None:
    for seed in range(8):
        for prompt, key in prompts_of(text, text, 8, seed, around=text):
            assert key
            assert prompt.strip(" ?:")


@pytest.mark.parametrize(
    "text",
    ["The art of starting an engine.", "The kettle holds 20 l of oil.", "14 of 4 x 4 tiles."],
)
def test_no_word_is_torn_by_a_key_that_it_contains(text: str) -> None:
    own = {word.lower() for word in re.findall(r"\w+", text)} | ASKING
    for prompt, _ in prompts_of("T", text, 60, seed=6):
        assert set(re.findall(r"\w+", prompt.lower())) <= own, prompt


ASKING = word_set("t what which who where when how many much is about do my notes say tell me")


def test_placeholders_are_not_asked_for() -> None:
    text = "The gate opens with [phone number removed] at seven."
    keys = {key for _, key in prompts_of("Gate", text, 60, seed=7)}
    assert keys
    assert not keys & {"phone", "number", "removed"}


def test_in_scripts_without_spaces_no_clause_is_a_word() -> None:
    text = "灯台は1984年にオスカーが修理した、レンズはベルゲンから船で来た"
    for prompt, _ in prompts_of("灯台", text, 40, seed=8, around="桟橋は木でできている"):
        assert "桟橋" not in prompt


def test_names_stand_in_prompts_that_ask_for_other_words() -> None:
    found = prompts_of("Log", "Ivor checks the meters with a dipstick.", 40, seed=1)
    named = [(prompt, key) for prompt, key in found if "ivor" in prompt.lower()]
    assert len(named) > 8
    assert {key for _, key in named} >= {"dipstick", "meters"}
    assert any(key == "Ivor" for _, key in found)


def test_prompts_have_two_words_of_the_statement_at_least() -> None:
    text = "The heat camera was last seen with Tomasz in the basement."
    own = {word.lower() for word in content_terms(text)}
    for prompt, _ in prompts_of("To do", text, 60, seed=2, around="Order sealing rings"):
        asked = {word.lower() for word in content_terms(prompt)}
        assert len(asked & own) >= 2, prompt


def test_some_prompts_have_phrases_with_their_function_words() -> None:
    text = "Report to Mrs Oakes at the weighbridge before seven."
    found = [prompt.lower() for prompt, _ in prompts_of("Trip", text, 40, seed=3)]
    assert sum("at the weighbridge" in prompt for prompt in found) > 3


def test_some_prompts_have_words_of_what_stands_beside_the_statement() -> None:
    text = "Their foreman checks them with a dipstick every evening."
    found = prompts_of("Log", text, 60, seed=4, around="The trial begins at Penhallow.")
    beside = [prompt for prompt, _ in found if "penhallow" in prompt.lower()]
    assert 3 < len(beside) < len(found) / 2
