from __future__ import annotations

import pytest

from app.text.directions import bare, breakable, in_sentence, runs_left

HEBREW = "שלום?"
ARABIC = "مرحبا؟"
OPEN, CLOSE = "\u2068", "\u2069"


@pytest.mark.parametrize(
    ("text", "left"),
    [(HEBREW, True), (ARABIC, True), (f"12. {HEBREW} ok", True), ("ok שלום", False), ("?!", False)],
)
def test_the_first_letter_says_which_way(text: str, left: bool) -> None:
    assert runs_left(text) is left


def test_a_name_that_runs_left_turns_nothing_around_it() -> None:
    assert in_sentence(f"Deleted “{HEBREW}”.") == f"Deleted “{OPEN}{HEBREW}{CLOSE}”."
    assert in_sentence("Deleted “\u202etxt.exe”.") == f"Deleted “{OPEN}\u202etxt.exe{CLOSE}”."
    assert in_sentence(f"“{HEBREW}” is ready") == f"\u200e“{OPEN}{HEBREW}{CLOSE}” is ready"
    assert in_sentence("Deleted “Notes”.") == "Deleted “Notes”."
    assert in_sentence(f"“{HEBREW}”") == f"“{HEBREW}”"  # nothing of ours is around it


@pytest.mark.parametrize("name", ["Notes", HEBREW, "a" * 90, "é" * 50, "👩‍👩‍👧‍👦" * 20])
def test_what_helps_to_draw_leaves_no_trace(name: str) -> None:
    for text in (f"About “{name}” {name}", f"“{name}” is there"):
        assert bare(breakable(in_sentence(text))) == bare(text)


def test_long_words_can_be_broken_but_not_within_a_letter() -> None:
    assert "\u200b" not in breakable("Words of the usual length, and https://example.org/a")
    pieces = breakable("e\u0301" * 40).split("\u200b")
    assert len(pieces) > 4
    assert all(piece.startswith("e") for piece in pieces)
