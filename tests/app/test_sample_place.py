"""Finding a sample's words again in its note."""

from __future__ import annotations

import time

import pytest

from app.sample_place import place_of


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
