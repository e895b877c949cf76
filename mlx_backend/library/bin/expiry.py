"""Which items leave the bin by themselves: those that were due a day or more ago and still are.

This way a wrong clock, or a setting changed by mistake, deletes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

_GRACE_S = 86_400.0


def expired(db: sqlite3.Connection, due: Sequence[str], now: float) -> list[str]:
    """The items to delete at `now` (Unix time), given the ids of all items that are `due`.

    Remembers when each was first seen due. The caller has begun a transaction.
    """
    listed = msgspec.json.encode(due).decode()
    db.execute(
        "DELETE FROM bin_due WHERE seen > ? OR item NOT IN (SELECT value FROM json_each(?))",
        (now, listed),
    )
    db.execute("INSERT OR IGNORE INTO bin_due SELECT value, ? FROM json_each(?)", (now, listed))
    rows = db.execute("SELECT item FROM bin_due WHERE seen <= ?", (now - _GRACE_S,))
    return [row["item"] for row in rows]
