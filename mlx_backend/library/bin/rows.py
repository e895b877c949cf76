"""The part of the bin that is in the database: deleted notes, samples and conversations."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.bin.dependent_rows import (
    Content,
    DependentRows,
    Row,
    RowRestorer,
    decode,
    encode,
)
from mlx_backend.library.bin.items import BinKind, Binned, Restored, new_id, not_there
from mlx_backend.library.database import transaction
from mlx_backend.library.deleted_notes import DeletedNotes
from mlx_backend.library.inclusion import update_included
from mlx_backend.library.note_paths import unused_path
from mlx_backend.library.passage_vectors import PassageVectors

# Rows per transaction: other processes cannot write while one lasts.
_AT_ONCE = 200
_NAME_LENGTH = 200

_TABLES: dict[BinKind, str] = {
    "note": "notes",
    "sample": "samples",
    "conversation": "conversations",
}
_NAMES = {"notes": "title", "samples": "prompt", "conversations": "title"}


class RowBin:
    """Moves rows with their dependent rows from their tables into the table `bin`, and back."""

    def __init__(
        self, connection: sqlite3.Connection, is_taken: Callable[[str], bool] = lambda _: False
    ) -> None:
        """`is_taken` tells whether an item outside the database has an id."""
        self._db = connection
        self._is_taken = is_taken
        self._deleted_notes = DeletedNotes(connection)

    def items(self) -> list[Binned]:
        """All items, most recently deleted first."""
        rows = self._db.execute(
            "SELECT id, kind, name, deleted, bytes FROM bin ORDER BY deleted DESC, rowid DESC"
        )
        return [Binned(**row) for row in rows]

    def has(self, item_id: str) -> bool:
        """Whether an item has this id."""
        found = self._db.execute("SELECT 1 FROM bin WHERE id = ?", (item_id,)).fetchone()
        return found is not None

    def delete(self, kind: BinKind, ids: Iterable[int]) -> tuple[Binned, ...]:
        """Move rows into the bin; ids that do not exist are skipped.

        Works in several transactions when there are many, so that others can write in between.
        """
        return tuple(itertools.chain.from_iterable(self._delete(kind, ids)))

    def restore(self, item_ids: Iterable[str]) -> list[Restored]:
        """Restore items. Raises OvernightError as `Bin.restore` does; at once if an id is missing.

        Works in several transactions when there are many, so that others can write in between.
        """
        kinds = {item_id: self._kind(item_id) for item_id in item_ids}
        ids = sorted(kinds, key=lambda item_id: kinds[item_id] != "note")  # samples need their note
        restored: list[Restored] = []
        for start in range(0, len(ids), _AT_ONCE):
            with transaction(self._db):
                restorer = RowRestorer(self._db)
                restored += [
                    self._restore(item_id, restorer) for item_id in ids[start : start + _AT_ONCE]
                ]
        return restored

    def restore_file(self, file: str) -> int:
        """Restore the deleted note that makes up a whole file; returns how many came back (0 or 1).

        When the note has left the bin, only forget that it was deleted, so that its file is read
        again. Deleted notes of a file with several notes stay deleted. The caller has begun a
        transaction.
        """
        note_id = self._deleted_notes.whole_file(file)
        if note_id is None:
            return 0
        row = self._db.execute(
            "SELECT id FROM bin WHERE kind = 'note' AND number = ?", (note_id,)
        ).fetchone()
        if row is not None:
            self._restore(row["id"], RowRestorer(self._db))
        self._deleted_notes.forget_file(file)
        return int(row is not None)

    def remove(self, item_ids: Iterable[str]) -> int:
        """Delete items for good, notes with the samples about them; returns how many were deleted.

        Works in several transactions when there are many, so that others can write in between.
        """
        ids, removed = list(item_ids), 0
        for start in range(0, len(ids), _AT_ONCE):
            with transaction(self._db):
                removed += self._remove(ids[start : start + _AT_ONCE])
        return removed

    def _kind(self, item_id: str) -> str:
        row = self._db.execute("SELECT kind FROM bin WHERE id = ?", (item_id,)).fetchone()
        if row is None:
            raise not_there(item_id)
        return str(row["kind"])

    def _delete(self, kind: BinKind, ids: Iterable[int]) -> Iterator[list[Binned]]:
        ids = iter(dict.fromkeys(ids))
        while batch := list(itertools.islice(ids, _AT_ONCE)):
            with transaction(self._db):
                belongings = DependentRows(self._db, _TABLES[kind])
                taken = (self._take(kind, belongings, row_id) for row_id in batch)
                binned = [item for item in taken if item is not None]
            if kind == "note":
                PassageVectors(self._db).forget_unused()
            yield binned

    def _take(self, kind: BinKind, belongings: DependentRows, row_id: int) -> Binned | None:
        table = _TABLES[kind]
        content = belongings.of(row_id)
        if not content:
            return None
        if kind == "note":
            self._add_samples_of_several(content, row_id)
        encoded = encode(content)
        item = Binned(
            id=new_id(lambda item_id: self.has(item_id) or self._is_taken(item_id)),
            kind=kind,
            name=_name(table, content),
            deleted=time.time(),
            bytes=len(encoded.encode()),
        )
        self._db.execute(
            "INSERT INTO bin (id, kind, name, deleted, number, bytes, content)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (item.id, item.kind, item.name, item.deleted, row_id, item.bytes, encoded),
        )
        if kind == "note":
            self._let_go_of_note(row_id)
        elif kind == "sample":
            self._db.execute(
                "INSERT OR REPLACE INTO deleted_samples"
                " SELECT id, note_id, passage, kind, key, quote FROM samples WHERE id = ?",
                (row_id,),
            )
        self._db.execute(f"DELETE FROM {table} WHERE id = ?", (row_id,))
        return item

    def _add_samples_of_several(self, content: Content, note_id: int) -> None:
        """Add what a person changed of other notes' samples about this one, which go with it.

        Study writes the others again.
        """
        rows = self._db.execute(
            "SELECT * FROM samples WHERE others <> '[]' AND choice <> '' AND note_id <> :id AND"
            " EXISTS (SELECT 1 FROM json_each(others) AS other WHERE other.value ->> 0 = :id)",
            {"id": note_id},
        )
        if changed := [dict(row) for row in rows]:
            content["samples"] = [*content.get("samples", ()), *changed]

    def _hand_on(self, content: Content, note_id: int) -> None:
        """Take out samples about other notes that are deleted, too.

        What a person changed of them is left to one of these, as long as that is in the bin.
        """
        for sample in list(content.get("samples", ())):
            others = {int(note) for note, _ in json.loads(str(sample.get("others", "[]")))}
            missing = self._missing({*others, int(str(sample["note_id"]))} - {note_id})
            if missing:
                content["samples"].remove(sample)
            if missing and sample.get("choice"):
                self._add_to_binned(missing, sample)

    def _missing(self, notes: set[int]) -> list[int]:
        """Those of the notes, by id, that are not in the library."""
        there = "SELECT 1 FROM notes WHERE id = ?"
        return [n for n in sorted(notes) if self._db.execute(there, (n,)).fetchone() is None]

    def _add_to_binned(self, notes: Sequence[int], sample: Row) -> None:
        """Add a sample to the first of these notes that is in the bin, to come back with it."""
        row = self._db.execute(
            "SELECT id, content FROM bin WHERE kind = 'note'"
            " AND number IN (SELECT value FROM json_each(?)) ORDER BY number",
            (json.dumps(notes),),
        ).fetchone()
        if row is not None:
            content = decode(row["content"])
            content["samples"] = [*content.get("samples", ()), sample]
            encoded = encode(content)
            self._db.execute(
                "UPDATE bin SET content = ?, bytes = ? WHERE id = ?",
                (encoded, len(encoded.encode()), row["id"]),
            )

    def _let_go_of_note(self, note_id: int) -> None:
        self._deleted_notes.remember(note_id)
        # Its duplicates are no longer duplicates, until curation compares all notes again.
        copies = self._db.execute(
            "DELETE FROM findings WHERE stays = ? AND step IN ('duplicate', 'near_duplicate')"
            " RETURNING note_id",
            (note_id,),
        ).fetchall()
        update_included(self._db, [row["note_id"] for row in copies])

    def _restore(self, item_id: str, restorer: RowRestorer) -> Restored:
        row = self._db.execute(
            "SELECT id, kind, name, deleted, bytes, number, content FROM bin WHERE id = ?",
            (item_id,),
        ).fetchone()
        if row is None:
            raise not_there(item_id)
        item = Binned(row["id"], row["kind"], row["name"], row["deleted"], row["bytes"])
        content, number = decode(row["content"]), int(row["number"])
        if item.kind == "note":
            self._find_place(content, number)
            self._hand_on(content, number)
        elif item.kind == "sample":
            self._require_note(item, content)
            self._db.execute("DELETE FROM deleted_samples WHERE sample_id = ?", (number,))
        restorer.restore(content)
        if item.kind == "note":
            update_included(self._db, [number])
        self._db.execute("DELETE FROM bin WHERE id = ?", (item_id,))
        return Restored(item, item.name, number)

    def _find_place(self, content: Content, note_id: int) -> None:
        """Set a restored note's path to where its file is now, and have the file read again."""
        (note,) = content["notes"]
        note |= self._deleted_notes.forget(note_id)
        path = str(note["path"])
        taken = self._db.execute("SELECT 1 FROM notes WHERE path = ?", (path,)).fetchone()
        if taken is not None:
            note["path"] = unused_path(self._db, path)
        self._db.execute("UPDATE files SET readers = 0 WHERE path = ?", (note["file"],))

    def _require_note(self, item: Binned, content: Content) -> None:
        note_id = content["samples"][0]["note_id"]
        if self._db.execute("SELECT 1 FROM notes WHERE id = ?", (note_id,)).fetchone() is None:
            row = self._db.execute(
                "SELECT id, name FROM bin WHERE kind = 'note' AND number = ?", (note_id,)
            ).fetchone()
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                f"The note that the sample “{item.name}” is about has been deleted, too.",
                f"Restore the note “{row['name']}” first."
                if row
                else "The note was deleted for good, so its samples cannot be restored.",
            )

    def _remove(self, item_ids: list[str]) -> int:
        rows = self._db.execute(
            "DELETE FROM bin WHERE id IN (SELECT value FROM json_each(?)) RETURNING kind, number",
            (msgspec.json.encode(item_ids).decode(),),
        ).fetchall()
        notes = [row["number"] for row in rows if row["kind"] == "note"]
        for note_id in notes:
            self._deleted_notes.tell_emptied(note_id)
        if not notes:
            return len(rows)
        samples = self._db.execute(
            "DELETE FROM bin WHERE kind = 'sample'"
            " AND json_extract(content, '$.samples[0].note_id')"
            " IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(notes).decode(),),
        )
        return len(rows) + samples.rowcount


def _name(table: str, content: Content) -> str:
    row = content[table][0]
    name = " ".join(str(row[_NAMES[table]]).split()) or str(row.get("path", "Untitled"))
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1].rstrip() + "…"
