"""Samples whose question the person changed, but not the answer that a model wrote in its words."""

from __future__ import annotations

import json
import sqlite3

from mlx_backend.library.sample_drafts import GENRES


def kept_answers(connection: sqlite3.Connection) -> frozenset[int]:
    """The ids of edited samples of GENRES that have the answer that the model wrote.

    Only of these, because what rules write can be compared with the quote of its note.
    """
    rows = connection.execute(
        "SELECT id FROM samples WHERE choice = 'edited' AND coalesce(written, answer) = answer"
        " AND kind IN (SELECT value FROM json_each(?))",
        (json.dumps(GENRES),),
    )
    return frozenset(row["id"] for row in rows)
