"""Notes that the person deleted: remembered, so that no import brings them back unasked."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping

from mlx_backend.library.note_matching import KnownNote

IN_BIN = "You deleted this note. You can restore it from the bin"
EMPTIED = (
    "You deleted this note, and it is no longer in the bin. To read it again, import its file by"
    " itself"
)
EMPTIED_PART = (
    "You deleted this note, and it is no longer in the bin. To read it again, save it in a file of"
    " its own and import that"
)
"""The reasons with which an import lists deleted notes among the skipped files."""

_IN_BIN = "EXISTS (SELECT 1 FROM bin WHERE kind = 'note' AND number = note_id)"
_KNOWN = "path, source, file, part, kind, title, sha256, created"


class DeletedNotes:
    """Reads and writes the table `deleted_notes`, in a transaction that the caller has begun."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def remember(self, note_id: int) -> None:
        """Record a note that is about to be deleted, and list it as skipped."""
        self._db.execute(
            f"INSERT OR REPLACE INTO deleted_notes (note_id, {_KNOWN})"
            f" SELECT id, {_KNOWN} FROM notes WHERE id = ?",
            (note_id,),
        )
        self._list("note_id = ?", (note_id,), IN_BIN)

    def forget(self, note_id: int) -> dict[str, object]:
        """Drop the record of a note that is being restored.

        Returns its current `path`, `source`, `file` and `part`; {} when it has no record.
        """
        row = self._db.execute(
            "SELECT path, source, file, part FROM deleted_notes WHERE note_id = ?", (note_id,)
        ).fetchone()
        if row is None:
            return {}
        self._db.execute("DELETE FROM skipped WHERE path = ?", (row["path"],))
        self._db.execute("DELETE FROM deleted_notes WHERE note_id = ?", (note_id,))
        return dict(row)

    def of_file(self, file: str, known_as: str) -> list[KnownNote]:
        """The deleted notes of a file, whose paths begin with `known_as`."""
        rows = self._db.execute(
            "SELECT note_id AS id, path, substr(path, length(:known_as) + 1) AS place, part, kind,"
            " title, sha256, created FROM deleted_notes WHERE file = :file",
            {"file": file, "known_as": known_as},
        )
        return [KnownNote(**row, gone=True, deleted=True) for row in rows]

    def move(self, old: str, file: str, source: str) -> None:
        """Record that a file has moved from `old`; `settle` then sets the paths of its notes."""
        self._db.execute(
            "UPDATE deleted_notes SET file = ?, source = ? WHERE file = ?", (file, source, old)
        )

    def settle(self, paths: Mapping[int, str]) -> None:
        """Set the paths of deleted notes, by note id."""
        self._db.executemany(
            "UPDATE deleted_notes SET path = ? WHERE note_id = ?",
            [(path, note_id) for note_id, path in paths.items()],
        )

    def whole_file(self, file: str) -> int | None:
        """The id of the deleted note that makes up a whole file.

        None when the file has other notes too, or when none of its notes was deleted.
        """
        rows = self._db.execute(
            "SELECT note_id, part FROM deleted_notes WHERE file = ?", (file,)
        ).fetchall()
        others = self._db.execute("SELECT 1 FROM notes WHERE file = ?", (file,)).fetchone()
        is_whole = len(rows) == 1 and not rows[0]["part"] and others is None
        return int(rows[0]["note_id"]) if is_whole else None

    def forget_file(self, file: str) -> None:
        """Forget that a file's notes were deleted, so that the next import reads the file again."""
        self._db.execute(
            "UPDATE files SET readers = 0 WHERE path = ?1"
            " AND EXISTS (SELECT 1 FROM deleted_notes WHERE file = ?1)",
            (file,),
        )
        self._db.execute(
            "DELETE FROM skipped WHERE path IN (SELECT path FROM deleted_notes WHERE file = ?)",
            (file,),
        )
        self._db.execute("DELETE FROM deleted_notes WHERE file = ?", (file,))

    def tell_emptied(self, note_id: int) -> None:
        """Change a note's reason, now that it is no longer in the bin."""
        self._list_emptied("note_id = ?", (note_id,))

    def list_of_file(self, file: str) -> None:
        """List the deleted notes of a file, which an import has just read, as skipped."""
        self._list(f"file = ? AND {_IN_BIN}", (file,), IN_BIN)
        self._list_emptied(f"file = ? AND NOT {_IN_BIN}", (file,))

    def _list_emptied(self, condition: str, values: tuple[object, ...]) -> None:
        self._list(f"{condition} AND part = ''", values, EMPTIED)
        self._list(f"{condition} AND part <> ''", values, EMPTIED_PART)

    def _list(self, condition: str, values: tuple[object, ...], reason: str) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO skipped (path, source, reason, at, file)"
            f" SELECT path, source, ?, ?, file FROM deleted_notes WHERE {condition}",
            (reason, time.time(), *values),
        )
