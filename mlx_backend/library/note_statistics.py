"""Statistics about many notes: their kinds, their years and their lengths."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from mlx_backend.library.note_browsing import Sums, below

_K = TypeVar("_K")

LENGTHS = (50, 200, 500, 2_000)
"""The upper bounds (exclusive) of the groups by length, in words; a last group has none."""


@dataclass(frozen=True)
class NoteStatistics:
    """Counts of notes whose file exists.

    `kinds` are (kind, count), most frequent first; `years` are (year, count), ascending and without
    gaps; `lengths` has one count for each bound in LENGTHS and one for longer notes.
    """

    sums: Sums
    kinds: tuple[tuple[str, int], ...]
    years: tuple[tuple[int, int], ...]
    lengths: tuple[int, ...]


def statistics_of(connection: sqlite3.Connection, folder: str = "") -> NoteStatistics:
    """Statistics about the notes at and below a folder, or about all."""
    values = {"folder": folder}
    where = f"NOT gone AND {below()}" if folder else "NOT gone"
    ends = "".join(f" WHEN words < {end} THEN {at}" for at, end in enumerate(LENGTHS))
    rows = connection.execute(
        "SELECT kind, CASE WHEN created > 0"
        " THEN CAST(strftime('%Y', created, 'unixepoch', 'localtime') AS INTEGER) END AS year,"
        f" CASE{ends} ELSE {len(LENGTHS)} END AS length, count(*) AS notes,"
        " sum(words) AS words, sum(tokens) AS tokens, sum(included) AS used"
        f" FROM notes WHERE {where} GROUP BY 1, 2, 3",
        values,
    ).fetchall()
    notes = sum(row["notes"] for row in rows)
    used = sum(row["used"] for row in rows)
    sums = Sums(
        notes=notes,
        words=sum(row["words"] for row in rows),
        tokens=sum(row["tokens"] for row in rows),
        used=used,
        left_out=notes - used,
    )
    kinds = _counted((row["kind"], row["notes"]) for row in rows)
    years = _counted((row["year"], row["notes"]) for row in rows if row["year"])
    lengths = _counted((row["length"], row["notes"]) for row in rows)
    return NoteStatistics(
        sums=sums,
        kinds=tuple(sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))),
        years=_without_gaps(years),
        lengths=tuple(lengths.get(at, 0) for at in range(len(LENGTHS) + 1)),
    )


def _counted(pairs: Iterable[tuple[_K, int]]) -> dict[_K, int]:
    counts: dict[_K, int] = {}
    for key, number in pairs:
        counts[key] = counts.get(key, 0) + number
    return counts


def _without_gaps(years: dict[int, int]) -> tuple[tuple[int, int], ...]:
    if not years:
        return ()
    return tuple((year, years.get(year, 0)) for year in range(min(years), max(years) + 1))
