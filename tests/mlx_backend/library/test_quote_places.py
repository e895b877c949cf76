"""Finding the quoted words of a sample in its note."""

from __future__ import annotations

import time

import pytest

from mlx_backend.library.quote_places import place_of, verbatim


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("two cylinders", "It has two cylinders.", "two cylinders"),
        ("Marta wrote a letter.", "So **Marta** wrote\n[a letter](https://x.example/y).",
         "Marta** wrote\n[a letter"),
        ("see the old mill here", "see [the old](http://a.b/c) [[Mills|mill]] here",
         "see [the old](http://a.b/c) [[Mills|mill]] here"),
        ("It purrs. Barnaby is loud.", "1. It purrs.\n2. Barnaby is loud.",
         "It purrs.\n2. Barnaby is loud"),
        ("Barnaby is old. It purrs.", "Barnaby is old.\n\n# More\n\nIt purrs.", "Barnaby is old"),
        ("Nothing at all. It purrs.", "Here it purrs.", "it purrs"),
        ("We counted 12 eggs", "In 2012 we counted 125 eggs, then we counted 12 eggs.",
         "we counted 12 eggs"),
        ("don't go", "\U0001f9f6 do not; _don't_ go", "don't_ go"),
        ("Name: Ida, Age 4", "| Name | Age |\n|---|---|\n| Ida | 4 |", ""),
        ("12", "In 2012.", ""),
        ("", "Anything.", ""),
        ("?!", "Any?!", ""),
    ],
)  # fmt: skip
def test_words_are_found_whatever_stands_between(quote: str, text: str, found: str) -> None:
    place = place_of(quote, text)
    assert (text[slice(*place)] if place else "") == found


@pytest.mark.parametrize(
    "text", ["a " + "[](1)" * 5000, "a 1 " * 20_000, "a" + "[[" * 20_000, "a" + "](" * 20_000]
)
def test_no_note_makes_it_slow(text: str) -> None:
    began = time.monotonic()
    assert place_of("a b. c d", text) is None
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("quote", "note", "written"),
    [
        ("2*3*4 = 24 he wrote.", "So:\n2*3*4 = 24 he wrote. And more.", "2*3*4 = 24 he wrote."),
        ("The file init.py is empty.", "The file __init__.py is empty.", None),
        ("The tide is high.", "- The **tide** is\n  _high_.\n- Next", "The **tide** is\n  _high_."),
        ("init.py holds it", "`__init__.py` holds it", None),
        ("See the map today.", "[See the map](http://a.b/c_d) today.", None),
        ("the map", "[[Places|the map]] is here", "[[Places|the map]]"),
        ("x: b 1", "| a | b |\n|---|---|\n| x | 1 |", "x: b 1"),
        ("One is here. Two is there.", "_One_ is here. Between. Two is *there*.", "_One_ is here."),
        ("…", "nothing", "…"),
    ],
)
def test_a_quote_as_its_note_has_it(quote: str, note: str, written: str | None) -> None:
    found = verbatim(quote, ["Another passage.", note])
    assert found.startswith(note if written is None else written)


def test_sentences_that_stand_apart_are_each_as_written() -> None:
    note = "_One_ is here. Between. Two is *there*."
    assert verbatim("One is here. Two is there.", [note]) == "_One_ is here. Two is *there*."
