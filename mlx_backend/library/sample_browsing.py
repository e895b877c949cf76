"""Lists of many samples: their ids, the rows of a page at a time, and sums over all.

Nothing here makes an object for each sample, as in `note_browsing`.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from mlx_backend.library.note_browsing import NoteIds, as_json
from mlx_backend.library.stored_samples import SAMPLES, TRAINED, StoredSample
from mlx_backend.text.folding import folded

Group = Literal["kept", "dropped", "changed"]
"""Samples that training uses, does not use, or that the person made a choice about."""

_GROUPS: dict[Group, str] = {
    "kept": TRAINED,
    "dropped": f"NOT {TRAINED}",
    "changed": "choice <> ''",
}
_THERE = "samples JOIN notes ON notes.id = samples.note_id AND NOT notes.gone"


@dataclass(frozen=True)
class SampleFilter:
    """Which samples to list: those with all words of `search`, in a group; None for all groups."""

    search: str = ""
    group: Group | None = None


@dataclass(frozen=True)
class SampleOverview:
    """Sums over all samples; `reasons` counts the dropped ones by reason, most first."""

    written: int = 0
    kept: int = 0
    changed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def dropped(self) -> int:
        """How many samples training does not use."""
        return self.written - self.kept


class SampleBrowsing:
    """Reads samples for lists, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def ids(self, wanted: SampleFilter) -> NoteIds[int]:
        """The ids of the samples that fit the filter, ordered by note and then as written."""
        where, values = _conditions(wanted)
        # Reading one long text takes half the time of a hundred thousand rows.
        (listed,) = self._db.execute(
            "SELECT group_concat(id) FROM (SELECT samples.id AS id"
            f" FROM {_THERE} WHERE {where} ORDER BY notes.path, samples.id)",
            values,
        ).fetchone()
        return array("q", map(int, listed.split(",")) if listed else ())

    def rows(self, sample_ids: Iterable[int]) -> dict[int, StoredSample]:
        """The samples with these ids, by id; those that are gone are missing."""
        rows = self._db.execute(
            f"{SAMPLES} WHERE samples.id IN (SELECT value FROM json_each(?))",
            (as_json(sample_ids),),
        )
        return {row["id"]: StoredSample.of_row(row) for row in rows}

    def overview(self) -> SampleOverview:
        """Sums over all samples."""
        row = self._db.execute(
            f"SELECT count(*) AS written, coalesce(sum({TRAINED}), 0) AS kept,"
            f" coalesce(sum(choice <> ''), 0) AS changed FROM {_THERE}"
        ).fetchone()
        reasons = self._db.execute(
            f"SELECT dropped, count(*) AS n FROM {_THERE} WHERE dropped <> '' AND choice = ''"
            " GROUP BY dropped ORDER BY n DESC, dropped"
        )
        return SampleOverview(**row, reasons={each["dropped"]: each["n"] for each in reasons})


def _conditions(wanted: SampleFilter) -> tuple[str, tuple[str, ...]]:
    conditions, values = ["true"], []
    for word in folded(wanted.search).split():
        columns = map(_compared, ("prompt", "answer", "notes.title"))
        conditions.append(" OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns))
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values += [f"%{escaped}%"] * 3
    if wanted.group is not None:
        conditions.append(_GROUPS[wanted.group])
    return " AND ".join(f"({condition})" for condition in conditions), tuple(values)


def _compared(column: str) -> str:
    """The SQL for a column to compare, folded unless it is ASCII: LIKE folds that, and fast."""
    is_ascii = f"length({column}) = length(CAST({column} AS BLOB))"
    return f"iif({is_ascii}, {column}, folded({column}))"
