from __future__ import annotations

import random

import pytest

from mlx_backend.study.by_model.reader.sentences import chosen, names_in, sentences_in

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
        names_in(piece * 2_000)


def test_names_are_asked_for_where_enough_stands_beside_them() -> None:
    assert names_in("The lamp was lit by Marta Lind at 18:40 sharp.") == [
        "Marta Lind",
        "18:40 sharp",
    ]
    assert names_in("It was Marta.") == []
    assert names_in("| Petra Voss | one urn, lidded | no hurry |") == ["Petra Voss"]
    assert names_in("Es wurde am 3. Mai von uns geteilt.") == []
    assert names_in("Nothing of the kind is said here at all.") == []


def test_some_are_chosen_in_their_order() -> None:
    found = chosen(list("abcdefgh"), 3, random.Random(1))
    assert len(found) == 3
    assert found == sorted(found)
    assert chosen(["a"], 3, random.Random(1)) == ["a"]
