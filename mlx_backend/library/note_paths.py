"""The paths of notes: unique, even while notes swap their paths."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Set

import msgspec


def settle(
    db: sqlite3.Connection, paths: Mapping[int, str], wanted: Set[str] = frozenset()
) -> None:
    """Set the paths of notes, by note id, and free the paths in `wanted`.

    Any other note that has one of these paths gets an unused path. The caller has begun a
    transaction.
    """
    held = {*paths.values(), *wanted}
    rows = db.execute(
        "SELECT id, path FROM notes WHERE path IN (SELECT value FROM json_each(:paths))"
        " OR id IN (SELECT value FROM json_each(:ids))",
        {"paths": _json(list(held)), "ids": _json(list(paths))},
    ).fetchall()
    moves: dict[int, str] = {}
    for row in rows:
        if row["id"] not in paths:
            moves[row["id"]] = unused_path(db, row["path"], held)
            held.add(moves[row["id"]])
        elif paths[row["id"]] != row["path"]:
            moves[row["id"]] = paths[row["id"]]
    # In two steps, because a new path may still be another note's old path.
    db.executemany(
        "UPDATE notes SET path = 'moving ' || id WHERE id = ?", [(id_,) for id_ in moves]
    )
    db.executemany("UPDATE notes SET path = ? WHERE id = ?", [(p, id_) for id_, p in moves.items()])


def unused_path(db: sqlite3.Connection, path: str, reserved: Set[str] = frozenset()) -> str:
    """`path` with " (earlier)" and perhaps a number appended, so that no note or file has it."""
    number = 1
    while True:
        name = f"{path} (earlier)" if number == 1 else f"{path} (earlier {number})"
        taken = db.execute(
            "SELECT 1 FROM notes WHERE path = :name"
            " UNION ALL SELECT 1 FROM files WHERE path = :name",
            {"name": name},
        ).fetchone()
        if taken is None and name not in reserved:
            return name
        number += 1


def _json(values: list[str] | list[int]) -> str:
    return msgspec.json.encode(values).decode()
