from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.notes import NewNote, Notes, Span
from mlx_backend.protocol import Citation
from tests.mlx_backend.library import older

SOURCE = Citation(note=3, passage=5, title="Lamp", path="/n/a.md", start=0, end=5)


def refused(bin_: Bin, item_id: str) -> OvernightError:
    with pytest.raises(OvernightError) as caught:
        bin_.restore(item_id)
    assert caught.value.hint
    return caught.value


def test_a_conversation_comes_back_to_the_last_byte(
    bin_: Bin, connection: sqlite3.Connection
) -> None:
    conversations = Conversations(connection)
    kept, doomed = conversations.start("kept"), conversations.start("Who lit\n the lamp? 🏳️‍🌈")
    for turn in (
        StoredTurn("user", "Who?\x00\u2028 '; DROP TABLE turns; --", None),
        StoredTurn("assistant", "Marta.", "Garden", (SOURCE, SOURCE)),
        StoredTurn("assistant", "", None),
    ):
        conversations.add(doomed, turn)
    before = older.all_rows(connection)
    (item,) = bin_.delete_conversations([doomed])
    assert (item.kind, item.name) == ("conversation", "Who lit the lamp? 🏳️‍🌈")
    assert item.bytes > 0
    assert [each.id for each in conversations.all()] == [kept]
    assert older.rows_of(connection, "turns") == []
    new = conversations.start("new")
    assert new not in {kept, doomed}
    connection.execute("DELETE FROM conversations WHERE id = ?", (new,))
    restored = bin_.restore(item.id)
    assert (restored.item, restored.name, restored.row) == (item, item.name, doomed)
    assert older.all_rows(connection) == before
    assert bin_.items() == []


def test_a_note_comes_back_with_all_that_is_known_of_it(
    bin_: Bin, filled: sqlite3.Connection
) -> None:
    before = older.all_rows(filled)
    (item,) = bin_.delete_notes([3])
    assert (item.kind, item.name) == ("note", "Lamp")
    notes = Notes(filled)
    assert [note.id for note in notes.summaries()] == [9]
    assert notes.count("lit") == 1
    for table in ("samples", "studied", "allowed_secrets", "indexed"):
        assert older.rows_of(filled, table) == [], table
    assert bin_.restore(item.id).row == 3
    assert notes.count("lit") == 2
    after = older.all_rows(filled)
    for table in ("curated", "likenesses", "files", "indexed"):  # these are found out anew
        before.pop(table), after.pop(table)
    copies = [before.pop("findings"), after.pop("findings")]
    assert [row["note_id"] for row in copies[1]] == [3], "the copy is compared again"
    assert after == before
    assert filled.execute("PRAGMA foreign_key_check").fetchall() == []
    assert older.rows_of(filled, "files")[0]["readers"] == 0, "it is read again, should it differ"


def test_the_vector_of_a_note_goes_with_it(bin_: Bin, filled: sqlite3.Connection) -> None:
    for digest in (b"gone", b"kept"):
        filled.execute("INSERT INTO passage_vectors VALUES (?, x'00')", (digest,))
    filled.execute("INSERT INTO indexed VALUES (11)")
    filled.execute(
        "INSERT OR REPLACE INTO passage_digests VALUES (5, ?), (11, ?)", (b"gone", b"kept")
    )
    bin_.delete_notes([3])
    rows = filled.execute("SELECT digest FROM passage_vectors").fetchall()
    assert [row["digest"] for row in rows] == [b"kept"]


@pytest.mark.parametrize(
    ("deleted", "restored"),
    [([9], [0]), ([9, 3], [0, 1]), ([9, 3], [1, 0]), ([3, 9], [0, 1]), ([3, 9], [1, 0])],
)
def test_what_a_person_changed_about_several_notes_comes_back_with_them(
    bin_: Bin, filled: sqlite3.Connection, deleted: list[int], restored: list[int]
) -> None:
    filled.execute("""UPDATE samples SET kind = 'notes', others = '[[9, "bb"]]'""")
    filled.execute(
        "INSERT INTO samples (note_id, passage, writer, kind, prompt, answer, key, quote, dropped,"
        " others) VALUES (3, x'aa', 'reader', 'notes', 'Why?', 'So.', '', '', '', '[[9, \"bb\"]]')"
    )
    edited = dict(filled.execute("SELECT * FROM samples WHERE choice = 'edited'").fetchone())
    items = bin_.delete_notes(deleted)
    assert older.rows_of(filled, "samples") == []
    for place in restored:
        bin_.restore(items[place].id)
    assert edited in [dict(row) for row in filled.execute("SELECT * FROM samples")]
    assert filled.execute("PRAGMA foreign_key_check").fetchall() == []
    assert bin_.items() == []


@pytest.mark.parametrize("choice", ["", "edited"])
def test_nothing_about_a_note_that_was_deleted_for_good_comes_back_with_another(
    bin_: Bin, filled: sqlite3.Connection, choice: str
) -> None:
    filled.execute(
        """UPDATE samples SET kind = 'notes', others = '[[9, "bb"]]', choice = ?""", (choice,)
    )
    (lamp,) = bin_.delete_notes([3])
    (copy,) = bin_.delete_notes([9])
    bin_.remove(copy.id)
    bin_.restore(lamp.id)
    assert older.rows_of(filled, "samples") == []
    assert bin_.items() == []


def test_what_was_left_out_as_a_copy_is_used_when_the_other_one_goes(
    bin_: Bin, filled: sqlite3.Connection
) -> None:
    filled.execute("UPDATE notes SET gone = 0 WHERE id = 9")
    filled.execute("DELETE FROM choices")
    assert Notes(filled).totals().notes == 1
    bin_.delete_notes([3])
    assert [note.status for note in Notes(filled).summaries()] == ["new"]
    row = filled.execute("SELECT compared FROM curated WHERE note_id = 9").fetchone()
    assert row["compared"] == 0, "all are compared anew"


def test_a_sample_comes_back_unless_its_note_is_gone(bin_: Bin, filled: sqlite3.Connection) -> None:
    before = older.rows_of(filled, "samples")
    (sample,) = bin_.delete_samples([4])
    assert (sample.kind, sample.name) == ("sample", "Who?")
    assert older.rows_of(filled, "samples") == []
    (note,) = bin_.delete_notes([3])
    assert "Lamp" in refused(bin_, sample.id).hint
    bin_.restore(note.id)
    assert bin_.restore(sample.id).row == 4
    assert older.rows_of(filled, "samples") == before
    (sample,) = bin_.delete_samples([4])
    (note,) = bin_.delete_notes([3])
    bin_.remove(note.id)
    assert "nothing called" in refused(bin_, sample.id).message
    assert bin_.items() == [], "it could never come back"
    assert older.rows_of(filled, "deleted_samples") == []


def test_ids_that_are_not_there_are_left_out(bin_: Bin, filled: sqlite3.Connection) -> None:
    assert bin_.delete_notes([]) == ()
    assert [item.name for item in bin_.delete_notes([3, 3, 77, -1])] == ["Lamp"]
    assert bin_.delete_conversations([99]) == ()
    assert bin_.delete_samples([99]) == ()


@pytest.mark.parametrize("item_id", ["", "..", "../..", "5f3a9c1e", "5F3A9C1E", "x" * 9999, "a\0b"])
def test_what_is_no_id_of_the_bin(bin_: Bin, library: Library, item_id: str) -> None:
    before = sorted(library.home.rglob("*"))
    assert refused(bin_, item_id).kind is ErrorKind.BAD_INPUT
    with pytest.raises(OvernightError):
        bin_.remove(item_id)
    assert sorted(path for path in library.home.rglob("*") if "bin" not in path.parts) == before


def test_restoring_twice(bin_: Bin, filled: sqlite3.Connection) -> None:
    (item,) = bin_.delete_notes([3])
    bin_.restore(item.id)
    refused(bin_, item.id)
    assert len(Notes(filled).summaries()) == 2


def test_many_come_back_together_or_not_at_all(bin_: Bin, filled: sqlite3.Connection) -> None:
    items = bin_.delete_notes([3, 9])
    with pytest.raises(OvernightError):
        bin_.restore_all([*(item.id for item in items), "00000000"])
    assert len(bin_.items()) == 2
    assert [each.row for each in bin_.restore_all(item.id for item in items)] == [3, 9]


def test_a_sample_and_its_note_come_back_together(bin_: Bin, filled: sqlite3.Connection) -> None:
    before = older.rows_of(filled, "samples")
    items = [*bin_.delete_samples([4]), *bin_.delete_notes([3])]
    assert {each.row for each in bin_.restore_all(item.id for item in items)} == {3, 4}
    assert older.rows_of(filled, "samples") == before


def test_only_what_is_old_is_thrown_out(bin_: Bin, filled: sqlite3.Connection) -> None:
    (note,) = bin_.delete_notes([3])
    (talk,) = bin_.delete_conversations([6])
    day = 86_400.0
    filled.execute("UPDATE bin SET deleted = ? WHERE id = ?", (40 * day, note.id))
    filled.execute("UPDATE bin SET deleted = ? WHERE id = ?", (60 * day, talk.id))
    assert bin_.purge(30, 70 * day) == 0, "to the second"
    assert bin_.purge(0, 999 * day) == 0, "0 keeps all"
    assert bin_.purge(30, 71 * day) == 0, "seen for the first time"
    assert bin_.purge(30, 71.9 * day) == 0
    assert bin_.purge(30, 72 * day) == 1
    assert [item.id for item in bin_.items()] == [talk.id]
    assert bin_.empty() == 1
    assert bin_.items() == []
    assert bin_.empty() == 0


def test_a_clock_that_was_wrong_once_throws_nothing_out(
    bin_: Bin, filled: sqlite3.Connection
) -> None:
    bin_.delete_notes([3])
    bin_.delete_conversations([6])
    now, day = time.time(), 86_400.0
    for moment in (0, 31, 0.1, 2, 400, 1.5, 3, 0, 31):
        assert bin_.purge(30, now + moment * day) == 0
    assert bin_.purge(365, now + 60 * day) == 0
    assert bin_.purge(30, now + 61 * day) == 0, "due again, after it was not"
    assert bin_.purge(30, now + 62 * day) == 2
    assert older.rows_of(filled, "bin_due") != []
    bin_.purge(30, now + 63 * day)
    assert older.rows_of(filled, "bin_due") == []


def test_the_latest_is_first(bin_: Bin, filled: sqlite3.Connection) -> None:
    bin_.delete_conversations([6])
    bin_.delete_notes([3])
    bin_.delete_notes([9])
    assert [item.name for item in bin_.items()] == ["Copy", "Lamp", "Lamps"]


def test_what_a_later_version_dropped_or_added(bin_: Bin, filled: sqlite3.Connection) -> None:
    (item,) = bin_.delete_notes([3])
    filled.execute("ALTER TABLE notes DROP COLUMN left_out")
    filled.execute("ALTER TABLE notes ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'")
    filled.execute("DROP TABLE allowed_secrets")
    bin_.restore(item.id)
    row = filled.execute("SELECT title, mood FROM notes WHERE id = 3").fetchone()
    assert tuple(row) == ("Lamp", "calm")


def test_a_full_disk_loses_nothing(bin_: Bin, filled: sqlite3.Connection) -> None:
    before = older.all_rows(filled)
    pages = filled.execute("PRAGMA page_count").fetchone()[0]
    filled.execute("UPDATE notes SET text = hex(zeroblob(200000)) WHERE id = 3")
    before = older.all_rows(filled)
    filled.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        bin_.delete_notes([3])
    assert older.all_rows(filled) == before
    assert bin_.items() == []


def test_very_many_notes(bin_: Bin, connection: sqlite3.Connection, tmp_path: Path) -> None:
    number = 1_050
    span = (Span(0, 4, ""),)
    Notes(connection).save(
        NewNote(f"/n/{i}.md", "/n", f"n{i}", "text", str(i), 1, 1, span) for i in range(number)
    )
    items = bin_.delete_notes(range(number + 1))
    assert len({item.id for item in items}) == number
    assert Notes(connection).count() == 0
    assert len(bin_.restore_all(item.id for item in items)) == number
    assert Notes(connection).count() == number
