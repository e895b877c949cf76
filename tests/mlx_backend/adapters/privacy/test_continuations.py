from __future__ import annotations

import hashlib

import pytest

from mlx_backend.adapters.privacy.continuations import longest_run, most_private
from mlx_backend.curation.curate import curate
from mlx_backend.library.notes import NewNote, Notes, Span

PLAIN = "The boats lie in the harbour all winter, and nobody goes there but the gulls and the rain."
NAMES = "In the shop we met Oskar Lind, then Ida Falk, and paid 250 crowns on 14.05.1987 there."
SECRET = "The wifi password of the inn is Corrow-" + "7731!gull and it was changed in the spring."


def save(notes: Notes, texts: dict[str, str]) -> dict[str, int]:
    """Notes of one passage each, looked through; returns their ids by their titles."""
    notes.save(
        NewNote(
            path=f"/papers/{title}",
            source="/papers",
            title=title,
            text=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            words=len(text.split()),
            tokens=30,
            passages=(Span(0, len(text), ""),),
        )
        for title, text in texts.items()
    )
    curate(notes)
    return {each.title: each.id for each in notes.summaries()}


def test_passages_with_secrets_come_first_then_names_and_numbers(notes: Notes) -> None:
    ids = save(notes, {"Boats": PLAIN, "Inn": SECRET, "Shop": NAMES, "Short": "Two words."})
    found = most_private(notes.connection, ids.values())
    assert [each.title for each in found] == ["Inn", "Shop", "Boats"]
    assert found[0].beginning == "The wifi password of the inn is"
    assert [kind for _, kind in found[0].secrets] == ["password"]
    assert "7731" not in repr(found)
    assert found[1].beginning == "In the shop we met Oskar Lind, then"
    assert found[1].after.startswith("Ida Falk")
    (first,) = most_private(notes.connection, ids.values(), most=1)
    assert first == found[0]
    assert most_private(notes.connection, [ids["Boats"], 999])[0].title == "Boats"


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("", 0),
        ("Ida built it in 1902, they say.", 5),
        ("IDA BUILT it, in 1902", 5),
        ("It was Ida who built it in 1902", 4),
        ("nothing alike here", 0),
    ],
)
def test_the_longest_run_of_words(text: str, run: int) -> None:
    assert longest_run(text, "of Corrow. Ida built it in 1902 of oak.") == run


def test_only_the_next_words_of_a_note_count() -> None:
    assert longest_run("the very last words", "word " * 5000 + "the very last words") == 0
