"""Whether there is anything to curate: quick to ask, without what curating needs."""

from __future__ import annotations

import sqlite3

from mlx_backend.private_data.version import RULES_VERSION

VERSION = 1 + RULES_VERSION
"""Of all that is computed from one note alone: a higher one looks at every note again."""


def is_due(db: sqlite3.Connection) -> bool:
    """Whether notes came, changed or went since all were curated."""
    return not is_compared(db) or bool(outdated(db))


def outdated(db: sqlite3.Connection) -> list[int]:
    """The ids of notes that are new or changed since they were curated."""
    rows = db.execute(
        "SELECT id FROM notes WHERE NOT gone AND NOT EXISTS (SELECT 1 FROM curated"
        " WHERE note_id = notes.id AND version = ?) ORDER BY id",
        (VERSION,),
    )
    return [row["id"] for row in rows]


def is_compared(db: sqlite3.Connection) -> bool:
    """Whether nothing that tells which notes stay changed since all were compared."""
    rows = db.execute("SELECT 1 FROM curated WHERE compared <> 1 LIMIT 1")
    return rows.fetchone() is None
