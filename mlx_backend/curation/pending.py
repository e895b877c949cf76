"""Whether notes are waiting to be curated. Light: imports nothing that curating itself needs."""

from __future__ import annotations

import sqlite3

from mlx_backend.private_data.version import RULES_VERSION

VERSION = 1 + RULES_VERSION
"""The version of what is computed from one note. Raising it has every note analysed again."""


def is_due(db: sqlite3.Connection) -> bool:
    """Whether notes were added, changed or removed since the last complete curation."""
    return not is_compared(db) or bool(outdated(db))


def outdated(db: sqlite3.Connection) -> list[int]:
    """The ids of notes that are new, or have changed since they were analysed."""
    rows = db.execute(
        "SELECT id FROM notes WHERE NOT gone AND NOT EXISTS (SELECT 1 FROM curated"
        " WHERE note_id = notes.id AND version = ?) ORDER BY id",
        (VERSION,),
    )
    return [row["id"] for row in rows]


def is_compared(db: sqlite3.Connection) -> bool:
    """Whether all notes have been compared since the last change to any of them."""
    rows = db.execute("SELECT 1 FROM curated WHERE compared <> 1 LIMIT 1")
    return rows.fetchone() is None
