"""Keeping the full-text index of passages (SQLite's FTS5) up to date."""

from __future__ import annotations

import sqlite3

from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.database import transaction
from mlx_backend.library.training_text import TRAINING_NOTE, TrainingText
from mlx_backend.text.segmenting import segmented

_NOTES_AT_ONCE = 200


def refresh_index(connection: sqlite3.Connection) -> None:
    """Index the passages of notes in use that are not in the index yet; fast without any."""
    while notes := connection.execute(
        "SELECT DISTINCT note_id FROM passages JOIN notes ON notes.id = note_id"
        " WHERE included AND NOT gone"
        " AND passages.id NOT IN (SELECT passage_id FROM indexed) LIMIT ?",
        (_NOTES_AT_ONCE,),
    ).fetchall():
        with transaction(connection):
            allowed = AllowedSecrets(connection)
            for row in notes:
                _index(connection, row["note_id"], allowed)


def _index(connection: sqlite3.Connection, note_id: int, allowed: AllowedSecrets) -> None:
    row = connection.execute(TRAINING_NOTE, (note_id,)).fetchone()
    if row is None:
        return
    note = TrainingText(row, allowed)
    spans = connection.execute(
        "SELECT id, heading, start, end FROM passages WHERE note_id = ?"
        " AND id NOT IN (SELECT passage_id FROM indexed)",
        (note_id,),
    ).fetchall()
    title = segmented(note.line(row["title"]))
    rows = [
        (
            span["id"],
            title,
            segmented(note.line(span["heading"])),
            segmented(note.piece(span["start"], span["end"])),
        )
        for span in spans
    ]
    connection.executemany(
        "INSERT OR REPLACE INTO passages_index (rowid, title, heading, text) VALUES (?, ?, ?, ?)",
        rows,
    )
    connection.executemany("INSERT OR IGNORE INTO indexed VALUES (?)", [(r[0],) for r in rows])
