"""The notes that a run that has begun may go on to learn."""

from __future__ import annotations

import sqlite3

from mlx_backend.library.inclusion import NEAREST_FOLDER

_COPIES = "('duplicate', 'near_duplicate')"


def wanted_notes(connection: sqlite3.Connection) -> set[int]:
    """The ids of the notes that training uses, and of those left out only as copies of others.

    A copy may have been imported after a run began to learn the other one; what it says is still
    wanted.
    """
    rows = connection.execute(
        "SELECT id FROM notes WHERE NOT gone AND (included OR ("
        f" {NEAREST_FOLDER} AND NOT EXISTS (SELECT 1 FROM choices WHERE note_id = notes.id)"
        " AND NOT EXISTS (SELECT 1 FROM heeded WHERE heeded.note_id = notes.id"
        f" AND heeded.leaves_out AND heeded.step NOT IN {_COPIES})))"
    )
    return {row["id"] for row in rows}
