"""A library with an earlier version of the schema, and rows in every table."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mlx_backend.library import database

_ROWS = """
INSERT INTO notes (id, path, source, title, text, sha256, words, tokens, imported_at, included,
    gone, learned_sha256, learned_by, file, part, kind, created, author, left_out, voices) VALUES
  (3, '/n/a.md', '/n', 'Lamp', 'Marta lit the lamp.', 'a', 4, 6, 1.0625, 1, 0, 'a', 'Garden',
   '/n/a.md', '', 'markdown', 7.1, 'Ida', 'a picture', '[["Ada",0,5,9,true]]'),
  (9, '/n/b.md', '/n', 'Copy', 'Marta lit the lamp.', 'b', 4, 6, 2, 0, 1, NULL, NULL,
   '/n/b.md', '', 'markdown', 8, '', '', NULL);
INSERT INTO passages VALUES (5, 3, 0, 0, 19, 'Lamp'), (11, 9, 0, 0, 19, '');
INSERT INTO files VALUES ('/n/a.md', '/n', 19, 1, 'a', 3, 0);
INSERT INTO skipped VALUES ('/n/c.bin', '/n', 'No text', 1, '/n/c.bin');
INSERT INTO findings VALUES
  (9, 'duplicate', 1, 'The same as {note}.', 3, 1.0, '', NULL),
  (3, 'boilerplate', 0, 'In many.', 9, 0.5, '', '[[0,5]]');
INSERT INTO choices VALUES (9, 0);
INSERT INTO undone VALUES ('quality', 3), ('language', NULL);
INSERT INTO curated VALUES (3, 1, x'00ff', 19, x'', x'01', 1), (9, 1, x'00ff', 19, x'', x'', 1);
INSERT INTO likenesses VALUES (3, 9, 0.25), (9, 3, 0.75);
INSERT INTO watched VALUES ('/n', 's');
INSERT INTO own_names VALUES ('ada', 'Ada');
INSERT INTO folder_choices VALUES ('/n/x', 0);
INSERT INTO languages_left_out VALUES ('fr');
INSERT INTO allowed_secrets VALUES (3, x'0102');
INSERT INTO samples
  (id, note_id, passage, writer, kind, prompt, answer, key, quote, dropped, choice) VALUES
  (4, 3, x'aa', 'rules', 'name', 'Who?', 'Marta', 'Marta', 'Marta lit', '', 'edited');
INSERT INTO studied (note_id, passage, writer, version) VALUES (3, x'aa', 'rules', 2);
INSERT INTO conversations (id, title, created_at, updated_at) VALUES (6, 'Lamps', 1.5, 2.5);
INSERT INTO turns (id, conversation_id, role, text, adapter, at, citations) VALUES
  (8, 6, 'user', 'Who?', NULL, 1.5, ''),
  (12, 6, 'assistant', 'Marta.', 'Garden', 2.5, '[{"note":3}]');
INSERT INTO passages_index (rowid, title, heading, text) VALUES (5, 'Lamp', 'Lamp', 'Marta lit');
INSERT INTO indexed VALUES (5);
"""


def make(path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a database file with this version of the schema."""
    scripts = database._scripts()
    with monkeypatch.context() as older:
        older.setattr(database, "_scripts", lambda: scripts[:version])
        connection = database.connect(path)
    fill(connection)
    connection.close()


def fill(connection: sqlite3.Connection) -> None:
    """Insert rows into every table."""
    for statement in _ROWS.split(";\n"):
        connection.execute(statement)


def rows_of(connection: sqlite3.Connection, table: str) -> list[dict[str, object]]:
    """All rows of a table."""
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1")]
    return sorted(rows, key=lambda row: str(next(iter(row.values()))))


def all_rows(connection: sqlite3.Connection) -> dict[str, list[dict[str, object]]]:
    """All rows of all tables, except SQLite's internal ones."""
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND name NOT LIKE '%_index%'"
    )
    return {row["name"]: rows_of(connection, row["name"]) for row in names.fetchall()}
