"""A row with its dependent rows, to JSON and back.

The dependent rows are those that SQLite would delete with it (foreign keys with ON DELETE CASCADE).
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

Row = dict[str, object]
Content = dict[str, list[Row]]
"""Rows by table; the table of the row itself comes first."""

# Not kept: curation computes these again, and the old values may be outdated.
_COMPUTED = frozenset({"curated", "likenesses"})
_BLOB = "blob"


@dataclass(frozen=True)
class _Key:
    """A foreign key: `column` refers to the id of a row in `table`."""

    column: str
    table: str
    on_delete: str


class DependentRows:
    """Reads rows of one table with their dependent rows, over one database connection."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._db = connection
        self._queries = list(_queries(connection, table, "id = :id", {table}))

    def of(self, row_id: int) -> Content:
        """A row with its dependent rows; {} when there is no such row."""
        content: Content = {}
        for table, query in self._queries:
            rows = [dict(row) for row in self._db.execute(query, {"id": row_id})]
            if not rows and not content:
                return {}
            if rows:
                content[table] = rows
        return content


class RowRestorer:
    """Writes rows back, within a transaction that the caller has begun.

    Columns and tables that a later schema dropped are skipped; those that it added get their
    defaults. A row that refers to a missing row is treated as if that row were deleted now:
    dropped, or its reference set to NULL.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._seen: set[tuple[str, object]] = set()
        self._columns = functools.cache(functools.partial(_columns, connection))
        self._keys = functools.cache(functools.partial(_foreign_keys, connection))

    def restore(self, content: Content) -> None:
        """Insert all rows of an item."""
        for table, rows in content.items():
            columns, keys = self._columns(table), self._keys(table)
            for row in rows if columns else ():
                kept = self._referring(row, keys)
                if kept is not None:
                    self._insert(table, {c: value for c, value in kept.items() if c in columns})

    def _insert(self, table: str, row: Row) -> None:
        self._db.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            tuple(row.values()),
        )

    def _referring(self, row: Row, keys: list[_Key]) -> Row | None:
        """The row with references that hold now; None when a required one does not."""
        for key in keys:
            if row.get(key.column) is None or self._is_there(key.table, row[key.column]):
                continue
            if key.on_delete != "SET NULL":
                return None
            row = {**row, key.column: None}
        return row

    def _is_there(self, table: str, row_id: object) -> bool:
        if (table, row_id) not in self._seen:
            found = self._db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (row_id,)).fetchone()
            if found is None:
                return False
            self._seen.add((table, row_id))
        return True


def encode(content: Content) -> str:
    """Rows as JSON without loss: numbers to the last bit, bytes as hexadecimal."""
    as_json = {
        table: [{column: _to_json(value) for column, value in row.items()} for row in rows]
        for table, rows in content.items()
    }
    return msgspec.json.encode(as_json).decode()


def decode(encoded: str) -> Content:
    """The rows that `encode` was given."""
    as_json = msgspec.json.decode(encoded, type=Content)
    return {
        table: [{column: _from_json(value) for column, value in row.items()} for row in rows]
        for table, rows in as_json.items()
    }


def _to_json(value: object) -> object:
    return {_BLOB: value.hex()} if isinstance(value, bytes) else value


def _from_json(value: object) -> object:
    return bytes.fromhex(str(value[_BLOB])) if isinstance(value, dict) else value


def _queries(
    db: sqlite3.Connection, table: str, condition: str, above: set[str]
) -> Iterator[tuple[str, str]]:
    """Each table with rows, owners before dependents, with the query for its rows."""
    yield table, f"SELECT * FROM {table} WHERE {condition}"
    for child, columns in _children(db, table).items():
        if child not in above | _COMPUTED:
            owners = f"IN (SELECT id FROM {table} WHERE {condition})"
            belongs = " OR ".join(f"{column} {owners}" for column in columns)
            yield from _queries(db, child, belongs, above | {child})


def _children(db: sqlite3.Connection, table: str) -> dict[str, list[str]]:
    """The tables with ON DELETE CASCADE to `table`, each with its referring columns."""
    rows = db.execute(
        'SELECT owned.name AS name, key."from" AS "column"'
        " FROM sqlite_schema AS owned, pragma_foreign_key_list(owned.name) AS key"
        " WHERE owned.type = 'table' AND key.\"table\" = ? AND key.on_delete = 'CASCADE'"
        " ORDER BY owned.rowid",
        (table,),
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row["column"])
    return found


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    rows = db.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return {row["name"] for row in rows}


def _foreign_keys(db: sqlite3.Connection, table: str) -> list[_Key]:
    rows = db.execute(
        'SELECT "from" AS "column", "table", on_delete FROM pragma_foreign_key_list(?)', (table,)
    )
    return [_Key(**row) for row in rows]
