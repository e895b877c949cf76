"""The migration after which ids are never reused, on a library with rows in every table."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mlx_backend.library import database
from tests.mlx_backend.library import older

_BEFORE = 10


@pytest.fixture(autouse=True)
def _no_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = database._scripts()[: _BEFORE + 1]
    monkeypatch.setattr(database, "_scripts", lambda: list(scripts))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "library.sqlite"
    older.make(path, _BEFORE, monkeypatch)
    return path


@pytest.fixture
def connection(path: Path) -> sqlite3.Connection:
    return database.connect(path)


def count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {query}").fetchone()[0])


def test_nothing_is_lost(path: Path) -> None:
    before = older.all_rows(_plain(path))
    after = older.all_rows(database.connect(path))
    assert all(before.values()), "the older library has something in every table"
    before.pop("indexed")  # what the index of passages holds is filled anew when it is asked
    assert {table: after[table] for table in before} == before


def test_foreign_keys_hold_and_are_on(connection: sqlite3.Connection) -> None:
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.execute("DELETE FROM notes WHERE id = 3")
    for table in ("passages", "samples", "studied", "allowed_secrets", "indexed"):
        owner = "passage_id = 5" if table == "indexed" else "note_id = 3"
        assert count(connection, f"{table} WHERE {owner}") == 0, table
    assert count(connection, "findings WHERE note_id = 9 AND stays IS NULL") == 1
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO passages VALUES (99, 3, 0, 0, 1, '')")


def test_the_indexes_of_words_and_the_triggers_go_on(connection: sqlite3.Connection) -> None:
    found = "notes_index WHERE notes_index MATCH"
    assert count(connection, f"{found} 'lamp'") == 2
    connection.execute("UPDATE notes SET text = 'Oskar left.' WHERE id = 3")
    assert count(connection, f"{found} 'oskar'") == 1
    assert count(connection, "curated WHERE note_id = 3") == 0, "it is curated again"
    connection.execute("DELETE FROM notes WHERE id = 3")
    assert count(connection, f"{found} 'oskar'") == 0
    connection.execute("INSERT INTO notes_index (notes_index) VALUES ('integrity-check')")
    assert count(connection, "passages_index WHERE passages_index MATCH 'marta'") == 0


@pytest.mark.parametrize(
    ("table", "latest", "another"),
    [
        (
            "notes",
            9,
            "(path, source, title, text, sha256, words, tokens, imported_at)"
            " VALUES ('/z', '/', '', '', '', 0, 0, 0)",
        ),
        ("passages", 11, "(note_id, position, start, end, heading) VALUES (3, 1, 0, 1, '')"),
        ("conversations", 6, "(title, created_at, updated_at) VALUES ('', 0, 0)"),
        ("turns", 12, "(conversation_id, role, text, at) VALUES (6, 'user', '', 0)"),
        (
            "samples",
            4,
            "(note_id, passage, writer, kind, prompt, answer, key, quote)"
            " VALUES (3, x'', '', '', '', '', '', '')",
        ),
    ],
)
def test_a_number_is_never_given_again(
    connection: sqlite3.Connection, table: str, latest: int, another: str
) -> None:
    insert = f"INSERT INTO {table} {another} RETURNING id"
    assert connection.execute(insert).fetchone()[0] == latest + 1
    connection.execute(f"DELETE FROM {table} WHERE id > {latest - 1}")
    if table != "conversations":
        assert connection.execute(insert).fetchone()[0] == latest + 2


def test_a_new_library_has_the_same_schema(connection: sqlite3.Connection, tmp_path: Path) -> None:
    fresh = database.connect(tmp_path / "fresh.sqlite")
    for table in older.all_rows(fresh):
        columns = "SELECT name, type, dflt_value, pk FROM pragma_table_info(?) ORDER BY cid"
        assert [tuple(row) for row in fresh.execute(columns, (table,))] == [
            tuple(row) for row in connection.execute(columns, (table,))
        ]


def test_a_migration_that_is_cut_short_leaves_the_library_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = older.all_rows(_plain(path))
    scripts = database._scripts()
    scripts[_BEFORE] = scripts[_BEFORE].replace("CREATE TABLE bin (", "CREATE TABLE notes (")
    with monkeypatch.context() as broken:
        broken.setattr(database, "_scripts", lambda: scripts)
        with pytest.raises(Exception, match="already exists"):
            database.connect(path)
    assert older.all_rows(_plain(path)) == before
    assert older.all_rows(database.connect(path))["notes"] == before["notes"]


def _plain(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    return connection
