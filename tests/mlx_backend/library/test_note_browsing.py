from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlx_backend.library.curation_findings import CurationFindings
from mlx_backend.library.database import connect
from mlx_backend.library.folder_decisions import FolderDecisions
from mlx_backend.library.folders import Folder, Folders
from mlx_backend.library.inclusion import update_included
from mlx_backend.library.languages import Languages
from mlx_backend.library.note_browsing import Browsing, Group, NoteFilter, Overview
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.note_statistics import statistics_of
from mlx_backend.library.notes import NewNote, Notes

NEW_YEAR_2024 = 1_704_110_400.0
PATHS = (
    "/vault/a.md",
    "/vault/Work/b.md",
    "/vault/Work/deep/c.md",
    "/vault/Work 2/d.md",
    "/vault/papers.zip/inner/e.md",
    "/loose/f.txt",
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "library.sqlite")
    Notes(connection).save(
        NewNote(
            path=path,
            source="/vault" if path.startswith("/vault") else path,
            title=path.rpartition("/")[2],
            text=f"words of {path}",
            sha256=path,
            words=10 ** (1 + at % 4),
            tokens=20,
            passages=(),
            file="/vault/papers.zip" if "zip" in path else path,
            kind="markdown" if path.endswith(".md") else "text",
            created=NEW_YEAR_2024 if at % 2 else 0.0,
        )
        for at, path in enumerate(PATHS)
    )
    yield connection
    connection.close()


def find(db: sqlite3.Connection, note: str, step: str, **fields: object) -> None:
    values = {"leaves_out": 0, "reason": "Because.", "value": "", "spans": None} | fields
    db.execute(
        "INSERT INTO findings (note_id, step, leaves_out, reason, value, spans)"
        " SELECT id, ?, ?, ?, ?, ? FROM notes WHERE title = ?",
        (step, *values.values(), note),
    )


def arrive(db: sqlite3.Connection, path: str) -> None:
    """Add a note as an import and curation would."""
    title = path.rpartition("/")[2]
    Notes(db).save([NewNote(path, "/vault", title, "words", path, 10, 20, ())])
    update_included(db)


def titles(db: sqlite3.Connection, wanted: NoteFilter) -> list[str]:
    browsing = Browsing(db)
    ids = browsing.ids(wanted)
    rows = browsing.rows(ids)
    return [rows[note_id].title for note_id in ids]


def test_all_notes_come_by_path(db: sqlite3.Connection) -> None:
    assert titles(db, NoteFilter()) == ["f.txt", "d.md", "b.md", "c.md", "a.md", "e.md"]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/vault/Work", ["b.md", "c.md"]),
        ("/vault/Work/deep", ["c.md"]),
        ("/vault/papers.zip", ["e.md"]),
        ("/vault/a.md", ["a.md"]),
        ("/nowhere", []),
    ],
)
def test_folder_holds_what_lies_below_it(
    db: sqlite3.Connection, folder: str, expected: list[str]
) -> None:
    assert titles(db, NoteFilter(folder=folder)) == expected


def test_search_within_a_folder_and_a_group(db: sqlite3.Connection) -> None:
    find(db, "b.md", "duplicate", leaves_out=1)
    assert titles(db, NoteFilter("words", "/vault/Work")) == ["b.md", "c.md"]
    assert titles(db, NoteFilter("words", "/vault/Work", "duplicates")) == ["b.md"]
    assert titles(db, NoteFilter("deep")) == ["c.md"]
    assert titles(db, NoteFilter('"* OR')) == []


def test_many_hits_come_by_path(db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlx_backend.library.note_browsing._MOST_RANKED", 2)
    assert titles(db, NoteFilter("words")) == titles(db, NoteFilter())


def test_groups_and_sums(db: sqlite3.Connection) -> None:
    find(db, "a.md", "near_duplicate", leaves_out=1)
    find(db, "b.md", "boilerplate", spans="[[0, 5]]")
    find(db, "c.md", "secrets", spans="[[0, 5]]")
    find(db, "d.md", "quality")  # an opinion that leaves nothing out
    for note, language in (("a.md", "en"), ("b.md", "en"), ("c.md", "is"), ("d.md", "und")):
        find(db, note, "language", value=language)
    NoteDecisions(db).decide(Browsing(db).ids(NoteFilter(folder="/vault/Work")), included=False)
    groups: dict[Group, list[str]] = {
        "left_out": ["b.md", "c.md"],
        "duplicates": ["a.md"],
        "boilerplate": ["b.md"],
        "secrets": ["c.md"],
        "quality": [],
        "authorship": [],
        "language": ["c.md"],
    }
    assert {group: titles(db, NoteFilter(group=group)) for group in groups} == groups
    counts = {group: len(notes) for group, notes in groups.items()}
    assert Browsing(db).overview() == Overview(
        notes=6, used=4, words=10_120, tokens=80, not_learned=4, left_out=2, groups=counts
    )
    sums = Browsing(db).sums(Browsing(db).ids(NoteFilter(folder="/vault")))
    assert (sums.notes, sums.used, sums.left_out) == (5, 3, 2)


def test_decision_outlives_curation_and_can_be_taken_back(db: sqlite3.Connection) -> None:
    ids = {row.title: row.id for row in Notes(db).summaries()}
    find(db, "a.md", "duplicate", leaves_out=1)
    find(db, "b.md", "duplicate", leaves_out=1)
    CurationFindings(db).redo("duplicate")  # heed them
    decisions = NoteDecisions(db)
    decisions.decide([ids["c.md"]], included=False)
    assert titles(db, NoteFilter(group="left_out")) == ["b.md", "c.md", "a.md"]

    decision = decisions.decide(ids.values(), included=True)
    assert decision.notes == 3
    assert list(decision.left_out) == [ids["c.md"]]
    assert titles(db, NoteFilter(group="left_out")) == []
    CurationFindings(db).redo("duplicate")
    assert titles(db, NoteFilter(group="left_out")) == []

    decisions.take_back(decision)
    assert titles(db, NoteFilter(group="left_out")) == ["b.md", "c.md", "a.md"]
    assert CurationFindings(db).choice(ids["a.md"]) is None
    assert CurationFindings(db).choice(ids["c.md"]) is False


def test_folders_come_level_by_level(db: sqlite3.Connection) -> None:
    NoteDecisions(db).decide(
        Browsing(db).ids(NoteFilter(folder="/vault/Work/deep")), included=False
    )
    folders = Folders(db)
    assert folders.sources() == [
        Folder("/loose", "loose", 1, 1, has_folders=False),
        Folder("/vault", "vault", 5, 4, has_folders=True, is_source=True),
    ]
    assert folders.children("/vault") == [
        Folder("/vault/papers.zip", "papers.zip", 1, 1, has_folders=True),
        Folder("/vault/Work", "Work", 2, 1, has_folders=True),
        Folder("/vault/Work 2", "Work 2", 1, 1, has_folders=False),
    ]
    assert folders.children("/vault/Work/deep") == []


def status_of(db: sqlite3.Connection, title: str) -> str:
    return next(row.status for row in Notes(db).summaries() if row.title == title)


def test_a_left_out_folder_covers_what_comes_later(db: sqlite3.Connection) -> None:
    decisions = FolderDecisions(db)
    assert decisions.decide("/vault/Work", included=False).notes == 2
    arrive(db, "/vault/Work/deep/new.md")
    arrive(db, "/vault/Work 2/other.md")
    assert (status_of(db, "new.md"), status_of(db, "other.md")) == ("excluded", "new")
    left_out = {folder.name: folder.is_left_out for folder in Folders(db).children("/vault")}
    assert left_out == {"papers.zip": False, "Work": True, "Work 2": False}
    assert [folder.is_left_out for folder in Folders(db).children("/vault/Work")] == [True]

    assert decisions.decide("/vault/Work", included=True).notes == 3
    arrive(db, "/vault/Work/newer.md")
    assert status_of(db, "newer.md") == "new"


def test_a_folder_in_a_left_out_one_can_be_used(db: sqlite3.Connection) -> None:
    decisions = FolderDecisions(db)
    decisions.decide("/vault", included=False)
    assert decisions.decide("/vault/Work/deep", included=True).notes == 1
    for path in ("/vault/Work/deep/new.md", "/vault/Work/newer.md"):
        arrive(db, path)
    assert (status_of(db, "new.md"), status_of(db, "newer.md")) == ("new", "excluded")
    decisions.decide("/vault", included=False)
    assert status_of(db, "new.md") == "excluded"


def test_a_folder_comes_back_as_it_was(db: sqlite3.Connection) -> None:
    find(db, "b.md", "duplicate", leaves_out=1)
    CurationFindings(db).redo("duplicate")  # heed it
    decisions = FolderDecisions(db)
    decisions.decide("/vault/Work", included=False)
    assert decisions.decide("/vault/Work", included=True).notes == 1
    assert status_of(db, "b.md") == "excluded"
    # Only a second request overrides the findings.
    assert decisions.decide("/vault/Work", included=True).notes == 1
    assert status_of(db, "b.md") == "new"


@pytest.mark.parametrize("included", [True, False])
def test_a_folders_decision_is_taken_back_whole(db: sqlite3.Connection, included: bool) -> None:
    find(db, "a.md", "duplicate", leaves_out=1)
    update_included(db)
    ids = {row.title: row.id for row in Notes(db).summaries()}
    NoteDecisions(db).decide([ids["a.md"]], included=True)
    NoteDecisions(db).decide([ids["b.md"]], included=False)
    decisions = FolderDecisions(db)
    decisions.decide("/vault/Work/deep", included=False)

    def everything() -> object:
        choices = {title: CurationFindings(db).choice(note_id) for title, note_id in ids.items()}
        return Notes(db).summaries(), choices, decisions.all()

    before = everything()
    decision = decisions.decide("/vault", included)
    assert decision.notes == (2 if included else 3)
    decisions.take_back(decision)
    assert everything() == before


def test_a_note_of_a_left_out_folder_can_be_used_alone(db: sqlite3.Connection) -> None:
    FolderDecisions(db).decide("/vault/Work", included=False)
    ids = {row.title: row.id for row in Notes(db).summaries()}
    NoteDecisions(db).decide([ids["b.md"]], included=True)
    arrive(db, "/vault/Work/new.md")
    assert (status_of(db, "b.md"), status_of(db, "new.md")) == ("new", "excluded")


def test_languages_are_left_out_for_notes_of_now_and_later(db: sqlite3.Connection) -> None:
    for note, code in (("a.md", "en"), ("b.md", "en"), ("c.md", "is"), ("d.md", "und")):
        find(db, note, "language", value=code)
    languages = Languages(db)
    assert [(each.name, each.notes) for each in languages.all()] == [
        ("English", 2), ("Icelandic", 1), ("Not known", 1)
    ]  # fmt: skip
    languages.leave_out("en")
    assert titles(db, NoteFilter(group="left_out")) == ["b.md", "a.md"]
    assert titles(db, NoteFilter(group="language")) == ["b.md", "c.md", "a.md"]
    assert [each.code for each in languages.all() if each.is_left_out] == ["en"]
    find(db, "e.md", "language", value="en")
    update_included(db)
    assert status_of(db, "e.md") == "excluded"

    ids = {row.title: row.id for row in Notes(db).summaries()}
    (reason,) = CurationFindings(db).reasons(ids["a.md"])
    assert reason.leaves_out
    CurationFindings(db).undo("language", ids["a.md"])
    assert (status_of(db, "a.md"), status_of(db, "b.md")) == ("new", "excluded")
    languages.use("en")
    assert titles(db, NoteFilter(group="left_out")) == []


def test_the_note_that_stays_is_named_so_that_it_can_be_found(db: sqlite3.Connection) -> None:
    ids = {row.title: row.id for row in Notes(db).summaries()}
    find(db, "a.md", "duplicate", leaves_out=1, reason="The same as {note}.")
    db.execute("UPDATE findings SET stays = ?", (ids["b.md"],))
    assert CurationFindings(db).reasons(ids["a.md"])[0].sentence == "The same as “b.md”."
    db.execute("UPDATE notes SET title = 'a.md' WHERE title = 'b.md'")
    (reason,) = CurationFindings(db).reasons(ids["a.md"])
    assert reason.sentence == "The same as “/vault/Work/b.md”."


def test_watched_folders_remember_their_state(db: sqlite3.Connection) -> None:
    folders = Folders(db)
    folders.watch("/vault")
    folders.watch("/vault")
    assert folders.watched() == {"/vault": ""}
    folders.record_states({"/vault": "abc", "/other": "def"})
    assert folders.watched() == {"/vault": "abc"}
    assert [f.path for f in folders.sources() if f.is_watched] == ["/vault"]
    folders.unwatch("/vault")
    assert folders.watched() == {}


def test_picture_tells_kinds_years_and_lengths(db: sqlite3.Connection) -> None:
    picture = statistics_of(db)
    assert picture.kinds == (("markdown", 5), ("text", 1))
    assert picture.years == ((2024, 3),)
    assert picture.lengths == (2, 2, 0, 1, 1)
    assert (picture.sums.notes, picture.sums.tokens) == (6, 120)
    assert statistics_of(db, "/loose").kinds == (("text", 1),)
    assert statistics_of(db, "/nowhere").years == ()


def test_gaps_between_years_are_shown(db: sqlite3.Connection) -> None:
    db.execute("UPDATE notes SET created = created - 1000 * 86400 WHERE title = 'b.md'")
    assert statistics_of(db).years == ((2021, 1), (2022, 0), (2023, 0), (2024, 2))
