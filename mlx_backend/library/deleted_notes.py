"""Notes that the person deleted: known on, so that no import brings them back by itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping

from mlx_backend.library.note_matching import KnownNote

IN_BIN = "You deleted this note. It is in the bin, from where it can be restored"
EMPTIED = (
    "You deleted this note, and it is no longer in the bin. Import its file, and nothing else, to"
    " read it again"
)
EMPTIED_PART = (
    "You deleted this note, and it is no longer in the bin. Save it in a file of its own and import"
    " that to read it again"
)
"""Why an import skips one, as for any other file that is left out."""

_IN_BIN = "EXISTS (SELECT 1 FROM bin WHERE kind = 'note' AND number = note_id)"
_KNOWN = "path, source, file, part, kind, title, sha256, created"


class DeletedNotes:
    """Reads and writes what is known of them, within transactions that the caller has begun."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def remember(self, note_id: int) -> None:
        """A note that is still there is about to be deleted."""
        self._db.execute(
            f"INSERT OR REPLACE INTO deleted_notes (note_id, {_KNOWN})"
            f" SELECT id, {_KNOWN} FROM notes WHERE id = ?",
            (note_id,),
        )
        self._list("note_id = ?", (note_id,), IN_BIN)

    def forget(self, note_id: int) -> dict[str, object]:
        """A note is coming back. Returns where it belongs by now; {} where that is unknown."""
        row = self._db.execute(
            "SELECT path, source, file, part FROM deleted_notes WHERE note_id = ?", (note_id,)
        ).fetchone()
        if row is None:
            return {}
        self._db.execute("DELETE FROM skipped WHERE path = ?", (row["path"],))
        self._db.execute("DELETE FROM deleted_notes WHERE note_id = ?", (note_id,))
        return dict(row)

    def of_file(self, file: str, known_as: str) -> list[KnownNote]:
        """Those of a file; their places are behind the path `known_as`."""
        rows = self._db.execute(
            "SELECT note_id AS id, path, substr(path, length(:known_as) + 1) AS place, part, kind,"
            " title, sha256, created FROM deleted_notes WHERE file = :file",
            {"file": file, "known_as": known_as},
        )
        return [KnownNote(**row, gone=True, deleted=True) for row in rows]

    def move(self, old: str, file: str, source: str) -> None:
        """A file with its notes is now another path's; `settle` tells their own paths."""
        self._db.execute(
            "UPDATE deleted_notes SET file = ?, source = ? WHERE file = ?", (file, source, old)
        )

    def settle(self, paths: Mapping[int, str]) -> None:
        """Remember where notes are by now, by id."""
        self._db.executemany(
            "UPDATE deleted_notes SET path = ? WHERE note_id = ?",
            [(path, note_id) for note_id, path in paths.items()],
        )

    def whole_file(self, file: str) -> int | None:
        """The deleted note that all of a file is; None where the file is more, or is not known."""
        rows = self._db.execute(
            "SELECT note_id, part FROM deleted_notes WHERE file = ?", (file,)
        ).fetchall()
        others = self._db.execute("SELECT 1 FROM notes WHERE file = ?", (file,)).fetchone()
        is_whole = len(rows) == 1 and not rows[0]["part"] and others is None
        return int(rows[0]["note_id"]) if is_whole else None

    def forget_file(self, file: str) -> None:
        """A file is wanted again, and so is read again."""
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
        """A note is no longer in the bin."""
        self._list_emptied("note_id = ?", (note_id,))

    def list_of_file(self, file: str) -> None:
        """List the notes of a file, which an import has just looked at, as left out."""
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
