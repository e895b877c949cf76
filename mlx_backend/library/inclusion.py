"""Whether training uses a note: the column `notes.included`, and what decides it.

The person's choice about the note comes first, then the choice about the nearest folder above it,
then what curation found. `included` keeps the result, so that queries need not compute it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

NEAREST_FOLDER = """
    coalesce((SELECT folder.included FROM folder_choices AS folder
              WHERE notes.path > folder.path || '/' AND notes.path < folder.path || '0'
              ORDER BY length(folder.path) DESC LIMIT 1), 1)
"""
"""SQL: whether the person lets training use the folder of a row of `notes`."""

SHOULD_INCLUDE = f"""
    coalesce((SELECT choices.included FROM choices WHERE choices.note_id = notes.id),
             {NEAREST_FOLDER} AND NOT EXISTS (
                 SELECT 1 FROM heeded WHERE heeded.note_id = notes.id AND heeded.leaves_out))
"""
"""SQL: the value that `included` should have in a row of `notes`."""


def update_included(db: sqlite3.Connection, note_ids: Sequence[int] | None = None) -> None:
    """Set `notes.included` anew for these notes, or for all.

    The caller has begun a transaction.
    """
    change = f"UPDATE notes SET included = {SHOULD_INCLUDE} WHERE included <> {SHOULD_INCLUDE}"
    if note_ids is None:
        db.execute(change)
    else:
        db.executemany(f"{change} AND id = ?", [(note_id,) for note_id in note_ids])
