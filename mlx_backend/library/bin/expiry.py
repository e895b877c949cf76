"""What is to leave the bin by itself: what was due at a look a day or more ago, and still is.

A clock that is wrong once, or days that are set by mistake, so throw nothing out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

_GRACE_S = 86_400.0


def expired(db: sqlite3.Connection, due: Sequence[str], now: float) -> list[str]:
    """Remember what is due by now (Unix time), within a transaction; returns what is to go."""
    listed = msgspec.json.encode(due).decode()
    db.execute(
        "DELETE FROM bin_due WHERE seen > ? OR item NOT IN (SELECT value FROM json_each(?))",
        (now, listed),
    )
    db.execute("INSERT OR IGNORE INTO bin_due SELECT value, ? FROM json_each(?)", (now, listed))
    rows = db.execute("SELECT item FROM bin_due WHERE seen <= ?", (now - _GRACE_S,))
    return [row["item"] for row in rows]
