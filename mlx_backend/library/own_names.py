"""The person's own names and addresses, and the authorship of notes that follows from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from mlx_backend.library.database import transaction
from mlx_backend.library.text_ranges import encode_ranges
from mlx_backend.library.voices import authorship, decode_voices, folded


class OwnNames:
    """Reads and sets the person's names, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def all(self) -> list[str]:
        """The names as the person typed them, in that order."""
        rows = self._db.execute("SELECT name FROM own_names ORDER BY rowid")
        return [row["name"] for row in rows]

    def set(self, names: Iterable[str]) -> None:
        """Replace the person's names, and work out the authorship of every note anew."""
        wanted = {folded(name): " ".join(name.split()) for name in names if name.strip()}
        with transaction(self._db):
            self._db.execute("DELETE FROM own_names")
            self._db.executemany(
                "INSERT INTO own_names (folded, name) VALUES (?, ?)", wanted.items()
            )
            update_authorship(self._db)

    def add(self, name: str) -> None:
        """Add a name."""
        self.set([*self.all(), name])

    def remove(self, name: str) -> None:
        """Remove a name, whatever its case and spacing."""
        self.set(other for other in self.all() if folded(other) != folded(name))


def update_authorship(db: sqlite3.Connection, note_ids: Sequence[int] | None = None) -> None:
    """Work out anew who wrote these notes, or all; the caller has begun a transaction."""
    names = {row["folded"] for row in db.execute("SELECT folded FROM own_names")}
    chosen = "voices IS NOT NULL"
    if note_ids is not None:
        chosen += " AND id IN (SELECT value FROM json_each(:ids))"
    ids = msgspec.json.encode(note_ids or ()).decode()
    # Fetch only the ids here; the voices are read one note at a time, while findings are written.
    found = db.execute(f"SELECT id FROM notes WHERE {chosen}", {"ids": ids}).fetchall()
    for row in found:
        _find(db, row["id"], names)


def _find(db: sqlite3.Connection, note_id: int, names: set[str]) -> None:
    (encoded,) = db.execute("SELECT voices FROM notes WHERE id = ?", (note_id,)).fetchone()
    of_note = authorship(decode_voices(encoded), names)
    db.execute("DELETE FROM findings WHERE note_id = ? AND step = 'authorship'", (note_id,))
    if of_note is None:
        return
    db.execute(
        "INSERT INTO findings (note_id, step, leaves_out, reason, score, spans)"
        " VALUES (?, 'authorship', 0, ?, ?, ?)",
        (note_id, of_note.sentence, round(of_note.share, 3), encode_ranges(of_note.others)),
    )
