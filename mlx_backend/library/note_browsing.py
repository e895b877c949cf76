"""Browsing many notes: their ids under a filter, their rows a page at a time, and sums over them.

Nothing here makes an object for every note: ids come as arrays, and rows a few at a time.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from mlx_backend.library.notes import SUMMARY, NoteSummary, match_query

Group = Literal[
    "left_out", "duplicates", "secrets", "quality", "boilerplate", "authorship", "language"
]
"""A group of notes: those that are left out, or those with findings of some step of curation."""

SECRETS = "secrets"
"""The step of curation that finds passwords, keys and the like."""

AUTHORSHIP = "authorship"
"""The step of curation that tells the person's words from other people's."""

NoteIds = array  # of type code "q" (64-bit integers); the type checker does not know type codes

# With more hits than this, ranking them takes long and tells nothing.
_MOST_RANKED = 5_000

_STEPS: dict[Group, tuple[str, ...]] = {
    "duplicates": ("duplicate", "near_duplicate"),
    "secrets": (SECRETS,),
    "quality": ("quality",),
    "boilerplate": ("boilerplate",),
    "authorship": ("authorship",),
}
_MAIN_LANGUAGE = """
    (SELECT value FROM findings WHERE step = 'language' AND value <> 'und'
     GROUP BY value ORDER BY count(*) DESC, value LIMIT 1)
"""
_OTHER_LANGUAGE = f"""
    step = 'language' AND (value NOT IN ('und', {_MAIN_LANGUAGE})
                           OR value IN (SELECT code FROM languages_left_out))
"""


@dataclass(frozen=True)
class NoteFilter:
    """Selects notes that match `search`, are at or below `folder`, and belong to `group`.

    "" and None select all.
    """

    search: str = ""
    folder: str = ""
    group: Group | None = None


@dataclass(frozen=True)
class Sums:
    """Sums over a set of notes; `used` and `left_out` count only notes whose file exists."""

    notes: int = 0
    words: int = 0
    tokens: int = 0
    used: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class Overview:
    """Sums over the whole library. `words` and `tokens` count only notes that training uses."""

    notes: int = 0
    used: int = 0
    words: int = 0
    tokens: int = 0
    not_learned: int = 0
    left_out: int = 0
    skipped: int = 0
    groups: dict[Group, int] = field(default_factory=dict)


class Browsing:
    """Reads the notes of a library for lists, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def ids(self, wanted: NoteFilter) -> NoteIds[int]:
        """The ids of the selected notes: best hits first; without a search, ordered by path."""
        query = match_query(wanted.search)
        where, values = _conditions(wanted)
        if query and self._hits(query) <= _MOST_RANKED:
            sql = (
                "SELECT notes.id FROM (SELECT rowid, rank FROM notes_index"
                " WHERE notes_index MATCH :query) AS hit JOIN notes ON notes.id = hit.rowid"
                f" WHERE {where} ORDER BY hit.rank, notes.path"
            )
        else:
            if query:
                # The plus keeps SQLite from sorting the hits by path. Scanning the index of paths
                # instead takes half as long when there are many hits.
                where += (
                    " AND +id IN (SELECT rowid FROM notes_index WHERE notes_index MATCH :query)"
                )
            sql = f"SELECT id FROM notes WHERE {where} ORDER BY path"
        # Fetching one long text takes half as long as fetching 50,000 rows. SQLite concatenates in
        # the order of the subquery.
        (listed,) = self._db.execute(
            f"SELECT group_concat(id) FROM ({sql})", values | {"query": query}
        ).fetchone()
        return array("q", map(int, listed.split(",")) if listed else ())

    def rows(self, note_ids: Iterable[int]) -> dict[int, NoteSummary]:
        """The notes with these ids, by id; missing ones have no entry."""
        rows = self._db.execute(
            f"{SUMMARY} WHERE id IN (SELECT value FROM json_each(?))", (as_json(note_ids),)
        )
        return {row["id"]: NoteSummary(**row) for row in rows}

    def sums(self, note_ids: Iterable[int]) -> Sums:
        """Sums over the notes with these ids."""
        row = self._db.execute(
            "SELECT count(*) AS notes, coalesce(sum(words), 0) AS words,"
            " coalesce(sum(tokens), 0) AS tokens,"
            " coalesce(sum(included AND NOT gone), 0) AS used,"
            " coalesce(sum(NOT included AND NOT gone), 0) AS left_out"
            " FROM notes WHERE id IN (SELECT value FROM json_each(?))",
            (as_json(note_ids),),
        ).fetchone()
        return Sums(**row)

    def overview(self) -> Overview:
        """Sums over the whole library, with the number of notes in each group."""
        row = self._db.execute(
            "SELECT count(*) AS notes, coalesce(sum(used), 0) AS used,"
            " coalesce(sum(used * words), 0) AS words, coalesce(sum(used * tokens), 0) AS tokens,"
            " coalesce(sum(used AND learned_sha256 IS NOT sha256), 0) AS not_learned,"
            " coalesce(sum(NOT included AND NOT gone), 0) AS left_out,"
            " (SELECT count(*) FROM skipped) AS skipped"
            " FROM (SELECT *, included AND NOT gone AS used FROM notes)"
        ).fetchone()
        groups = {group: self._count(group) for group in _STEPS} | {
            "left_out": int(row["left_out"]),
            "language": self._count("language"),
        }
        return Overview(**row, groups=groups)

    def _count(self, group: Group) -> int:
        row = self._db.execute(
            f"SELECT count(DISTINCT note_id) FROM findings WHERE {_found(group)}"
            " AND note_id IN (SELECT id FROM notes WHERE NOT gone)"
        ).fetchone()
        return int(row[0])

    def _hits(self, query: str) -> int:
        row = self._db.execute(
            "SELECT count(*) FROM notes_index WHERE notes_index MATCH ?", (query,)
        ).fetchone()
        return int(row[0])


def below(column: str = "path") -> str:
    """SQL: the path in `column` is :folder or lies below it.

    `0` is the character after `/`, so that an index on the column serves the comparison.
    """
    return f"({column} = :folder OR ({column} > :folder || '/' AND {column} < :folder || '0'))"


def as_json(note_ids: Iterable[int]) -> str:
    """Ids as a JSON array, so that one parameter of a statement holds any number of them."""
    return f"[{','.join(map(str, note_ids))}]"


def _conditions(wanted: NoteFilter) -> tuple[str, dict[str, str]]:
    conditions, values = ["true"], {}
    if wanted.folder:
        conditions.append(below("notes.path"))
        values["folder"] = wanted.folder
    if wanted.group == "left_out":
        conditions.append("NOT included AND NOT gone")
    elif wanted.group:
        conditions.append(
            f"NOT gone AND notes.id IN (SELECT note_id FROM findings WHERE {_found(wanted.group)})"
        )
    return " AND ".join(conditions), values


def _found(group: Group) -> str:
    if group == "language":
        return _OTHER_LANGUAGE
    steps = ", ".join(f"'{step}'" for step in _STEPS[group])
    return f"step IN ({steps}) AND (leaves_out OR spans IS NOT NULL)"
