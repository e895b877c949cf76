from __future__ import annotations

import random

import pytest

from mlx_backend.study.by_model.reader.sentences import (
    chosen,
    compares,
    enumerates,
    lists_in,
    sentences_in,
)

CUT = {
    "Marta lit it. Oskar left in 1987. So it was.": [
        "Marta lit it.",
        "Oskar left in 1987.",
        "So it was.",
    ],
    "Es war am 3. Mai kalt. Danach kam Regen!": ["Es war am 3. Mai kalt.", "Danach kam Regen!"],
    "We use tools, e.g. this one, daily.": ["We use tools, e.g. this one, daily."],
    "- a red lamp\n- [ ] buy more rope\n2. open the valve": [
        "a red lamp",
        "buy more rope",
        "open the valve",
    ],
    "| a | b |\n|---|---|\n| rope | 3 crowns |": ["| a | b |", "| rope | 3 crowns |"],
    "# A heading of it\n\nThis is the text.": ["This is the text."],
    "```\nrm -rf / is code\n```\nThis is the text.": ["This is the text."],
    "墨は奈良から来ます。先生は春子です。": ["墨は奈良から来ます。", "先生は春子です。"],
    "The line is\nwrapped here. And goes on.": ["The line is\nwrapped here.", "And goes on."],
    "": [],
    "Ok.": [],
    "word " * 500: [],
}


@pytest.mark.parametrize(("text", "found"), CUT.items())
def test_a_passage_is_cut_as_it_stands(text: str, found: list[str]) -> None:
    assert sentences_in(text) == found
    assert all(each in text for each in found)


def test_hostile_texts_take_no_time() -> None:
    for piece in ("|", "- ", "(((", "`", '."', "1. ", "\n", "A "):
        sentences_in(piece * 20_000)
        lists_in(piece * 20_000)
        lists_in(f"{piece}\n" * 20_000)
        enumerates(piece * 20_000)
        compares(f"{piece}1 " * 20_000)


def test_lists_are_found_as_they_stand() -> None:
    text = "Bring:\n\n- a lamp\n- [ ] rope\n- oil\n\nThen:\n1. open it\n2. wait\n3. light it\nDone."
    bring, steps = lists_in(text)
    assert bring.text == "- a lamp\n- [ ] rope\n- oil"
    assert (bring.items, bring.is_numbered) == ("a lamp\n- [ ] rope\n- oil", False)
    assert (steps.items, steps.is_numbered) == ("open it\n2. wait\n3. light it", True)
    assert all(each.items in each.text and each.text in text for each in (bring, steps))


@pytest.mark.parametrize(
    "text", ["", "- one\n- two", "- x\n" * 50, "- " + "word " * 90 + "\n- b\n- c"]
)
def test_lists_that_are_too_short_or_long_are_none(text: str) -> None:
    assert lists_in(text) == []


def test_sentences_with_several_commas_enumerate() -> None:
    assert enumerates("Bring a lamp, some rope, and oil for it.")
    assert enumerates("墨、筆、紙を持って来てください。")
    assert not enumerates("It cost 1,000,000 crowns, they say.")
    assert not enumerates("One comma, here. Another one, there.")


def test_some_are_chosen_in_their_order() -> None:
    found = chosen(list("abcdefgh"), 3, random.Random(1))
    assert len(found) == 3
    assert found == sorted(found)
    assert chosen(["a"], 3, random.Random(1)) == ["a"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The old lamp shone 9 miles, the new one shines 14.", True),
        ("Es waren 38 Kilo, 1.250 im Jahr davor.", True),
        ("On 7 February 2024 it began.", False),
        ("Open from 08:10 to 13:30.", False),
        ("See mise.toml?plain=1#L66 in v2.1.", False),
        ("", False),
    ],
)
def test_amounts_are_numbers_but_those_of_years_and_times(text: str, found: bool) -> None:
    assert compares(text) is found
