from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import NewNote, Notes, Passage, Span


def note(path: str, text: str, title: str = "", sha256: str = "1") -> NewNote:
    return NewNote(
        path=path,
        source="/notes",
        title=title or path,
        text=text,
        sha256=sha256,
        words=len(text.split()),
        tokens=len(text),
        passages=(Span(0, len(text), ""),),
    )


@pytest.fixture
def filled(notes: Notes) -> Notes:
    notes.save(
        [
            note("/notes/a.md", "Marta lit the lamp of the lighthouse.", "Lamp"),
            note("/notes/b.md", "Rope from Bergen; Ünïcödé and naïve words. C++ 🎉", "Rope"),
            note("/notes/c.md", "The lamp AND the rope OR neither.", "Both"),
        ]
    )
    return notes


def titles(notes: Notes, search: str = "") -> list[str]:
    return [summary.title for summary in notes.summaries(search)]


def status_of(notes: Notes, title: str) -> str:
    return next(s.status for s in notes.summaries() if s.title == title)


def id_of(notes: Notes, title: str) -> int:
    return next(s.id for s in notes.summaries() if s.title == title)


def test_all_notes_by_path(filled: Notes) -> None:
    assert titles(filled) == ["Lamp", "Rope", "Both"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("lamp", {"Lamp", "Both"}),
        ("LAMP", {"Lamp", "Both"}),
        ("lam", {"Lamp", "Both"}),
        ("lamp rope", {"Both"}),
        ("unicode", {"Rope"}),
        ("naive", {"Rope"}),
        ("bergen", {"Rope"}),
        ("amp", set()),
        ("nowhere", set()),
    ],
)
def test_search_finds_beginnings_of_words(filled: Notes, search: str, found: set[str]) -> None:
    assert set(titles(filled, search)) == found


HOSTILE = [
    '"',
    "'",
    '"""',
    "lamp'; DROP TABLE notes; --",
    "lamp AND",
    "AND",
    "NOT",
    "NEAR(lamp rope, 5)",
    "title:",
    "text : lamp",
    "^lamp",
    "lamp*",
    "*",
    "-lamp",
    "(",
    "lamp OR (",
    "{title text}: x",
    "🎉",
    "👩‍👩‍👧",
    "\0",
    "lamp\0rope",
    "\ud800",
    "%",
    "_",
    "C++",
    "ﷺ",
    "x" * 100_000,
    "a " * 2_000,
    "²",
    "٣",
    "ⅷ",
]


@pytest.mark.parametrize("search", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_no_search_is_taken_for_a_query_language(filled: Notes, search: str) -> None:
    assert set(titles(filled, search)) <= {"Lamp", "Rope", "Both"}
    assert len(titles(filled)) == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(search=st.text())
def test_any_search_is_answered(filled: Notes, search: str) -> None:
    filled.summaries(search)


def test_a_search_for_nothing_but_signs_lists_all(filled: Notes) -> None:
    assert len(titles(filled, " ?! ")) == 3


def test_the_index_follows_changes(filled: Notes) -> None:
    filled.save([note("/notes/a.md", "Now about whales.", "Lamp", sha256="2")])
    assert titles(filled, "whales") == ["Lamp"]
    assert titles(filled, "lighthouse") == []


def test_status_words(filled: Notes) -> None:
    lamp, rope = id_of(filled, "Lamp"), id_of(filled, "Rope")
    assert status_of(filled, "Lamp") == "new"
    filled.mark_learned("A", filled.versions())
    assert status_of(filled, "Lamp") == "learned"
    filled.save([note("/notes/a.md", "Other text.", "Lamp", sha256="2")])
    assert status_of(filled, "Lamp") == "changed"
    NoteDecisions(filled.connection).decide([lamp], included=False)
    assert status_of(filled, "Lamp") == "excluded"
    NoteDecisions(filled.connection).decide([lamp], included=True)
    assert status_of(filled, "Lamp") == "changed"
    filled.mark_gone([rope])
    assert status_of(filled, "Rope") == "gone"


def test_what_is_excluded_or_gone_is_not_trained(filled: Notes) -> None:
    NoteDecisions(filled.connection).decide([id_of(filled, "Lamp")], included=False)
    filled.mark_gone([id_of(filled, "Rope")])
    assert [passage.note_title for passage in filled.passages()] == ["Both"]
    assert filled.totals().notes == 1
    assert set(filled.versions()) == {id_of(filled, "Both")}


def test_passages_carry_the_text_they_span_in_characters(notes: Notes) -> None:
    text = "🎉 Émile\nsecond"
    spans = (Span(0, 7, "H"), Span(8, 14, ""))
    notes.save([dataclasses.replace(note("/n", text), passages=spans)])
    found = list(notes.passages())
    assert [passage.text for passage in found] == ["🎉 Émile", "second"]
    assert [passage.heading for passage in found] == ["H", ""]
    assert [passage.position for passage in found] == [0, 1]


def test_saving_a_note_again_keeps_its_id_and_replaces_its_passages(filled: Notes) -> None:
    before = id_of(filled, "Lamp")
    filled.save([note("/notes/a.md", "Short.", "Lamp", sha256="2")])
    assert id_of(filled, "Lamp") == before
    assert filled.spans(before) == [Span(0, 6, "")]
    assert filled.text(before) == "Short."


def test_a_failed_save_saves_nothing(notes: Notes) -> None:
    def broken() -> list[NewNote]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        notes.save(n for part in ([note("/a", "text")], None) for n in part or broken())
    assert notes.summaries() == []
    notes.save([note("/b", "text")])
    assert len(notes.summaries()) == 1


def test_an_unknown_note_has_no_text(notes: Notes) -> None:
    assert notes.text(99) == ""
    assert notes.spans(99) == []


def test_totals_of_nothing(notes: Notes) -> None:
    assert (notes.totals().notes, notes.totals().words, notes.totals().tokens) == (0, 0, 0)


@pytest.mark.parametrize(
    ("heading", "topic"),
    [
        ("", "Garden"),
        ("Garden", "Garden"),
        ("Garden › Beds", "Garden, Beds"),
        ("House › Garden", "Garden"),
        ("House › Cellar › Shelves", "Garden, Shelves"),
    ],
)
def test_a_passage_is_about_its_note_and_the_heading_above_it(heading: str, topic: str) -> None:
    assert Passage(1, 1, "Garden", 0, heading, "We have ten beds.").topic == topic


def test_a_title_that_looks_like_a_path_of_headings_is_one_title() -> None:
    assert Passage(1, 1, "A › B", 0, "A › B", "Text.").topic == "A › B"
