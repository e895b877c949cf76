from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import database
from mlx_backend.library.voices import Voice, decode_voices


def version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def tables_of(connection: sqlite3.Connection) -> set[str]:
    return {row["name"] for row in connection.execute("SELECT name FROM sqlite_schema")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library.sqlite"


def expect(kind: ErrorKind, path: Path) -> None:
    with pytest.raises(OvernightError) as caught:
        database.connect(path)
    assert caught.value.kind is kind
    assert caught.value.hint


def test_a_fresh_file_gets_the_whole_schema(path: Path) -> None:
    connection = database.connect(path)
    assert version_of(connection) >= 1
    assert {"notes", "passages", "skipped", "conversations", "turns"} <= tables_of(connection)
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_opening_again_changes_nothing(path: Path) -> None:
    first = database.connect(path)
    first.execute("INSERT INTO conversations (title, created_at, updated_at) VALUES ('t', 1, 1)")
    again = database.connect(path)
    assert version_of(again) == version_of(first)
    assert again.execute("SELECT count(*) FROM conversations").fetchone()[0] == 1


def test_a_library_of_a_later_version_is_refused_and_left_alone(path: Path) -> None:
    database.connect(path).execute("PRAGMA user_version = 999")
    expect(ErrorKind.LIBRARY_DAMAGED, path)
    assert version_of(sqlite3.connect(path)) == 999


@pytest.mark.parametrize("round_", range(10))  # the collision is rare
def test_threads_that_open_a_fresh_library_at_once(path: Path, round_: int) -> None:
    failures: list[BaseException] = []
    barrier = threading.Barrier(8)

    def open_it() -> None:
        barrier.wait()
        try:
            database.connect(path).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert "notes" in tables_of(database.connect(path))


def test_processes_that_open_a_fresh_library_at_once(path: Path) -> None:
    code = "import sys; from pathlib import Path; from mlx_backend.library import database\n"
    code += "sys.stdin.readline(); database.connect(Path(sys.argv[1])); print('done')"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["done\n"] * 3


@pytest.fixture
def old(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of an early version."""
    scripts = database._scripts()
    with monkeypatch.context() as older:
        older.setattr(database, "_scripts", lambda: scripts[:4])
        database.connect(path).close()
    return path


def test_where_a_script_fails_an_old_library_stays_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def schema() -> list[tuple[str]]:
        connection = sqlite3.connect(old)
        return connection.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall()

    before, scripts = schema(), database._scripts()
    with monkeypatch.context() as broken:
        broken.setattr(database, "_scripts", lambda: [*scripts, "SELECT nothing FROM nowhere;"])
        with pytest.raises(OvernightError):
            database.connect(old)
    assert (version_of(sqlite3.connect(old)), schema()) == (4, before)
    assert version_of(database.connect(old)) == len(scripts)


def test_who_opens_an_old_library_while_it_is_migrated_waits_for_that(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PATIENCE_S", 0.05)
    scripts = database._scripts()
    slow = [*scripts[:4], "SELECT wait();", *scripts[4:]]
    begun, connect = threading.Event(), sqlite3.connect

    def wait() -> int:
        begun.set()
        time.sleep(0.5)
        return 0

    def connected(*given: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*given, **named)
        connection.create_function("wait", 0, wait)
        return connection

    monkeypatch.setattr(database, "_scripts", lambda: slow)
    monkeypatch.setattr(sqlite3, "connect", connected)
    first = threading.Thread(target=lambda: database.connect(old).close())
    first.start()
    assert begun.wait(10)
    assert version_of(database.connect(old)) == len(slow)
    first.join()


@pytest.mark.parametrize(
    "data", [b"this is not a database at all" * 50, random.Random(1).randbytes(8192)]
)
def test_a_file_that_is_no_database(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    expect(ErrorKind.LIBRARY_DAMAGED, path)
    assert path.read_bytes() == data


def test_a_damaged_database_is_a_typed_error_when_used(path: Path) -> None:
    connection = database.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(path.read_bytes())
    data[100:] = b"\xaa" * (len(data) - 100)
    path.write_bytes(data)
    expect(ErrorKind.LIBRARY_DAMAGED, path)


def test_a_folder_where_the_database_should_be(path: Path) -> None:
    path.mkdir()
    expect(ErrorKind.UNREADABLE, path)


def test_a_missing_folder(tmp_path: Path) -> None:
    expect(ErrorKind.UNREADABLE, tmp_path / "gone" / "library.sqlite")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        expect(ErrorKind.UNREADABLE, path)
    finally:
        path.parent.chmod(0o700)


def test_own_words_of_an_older_library_become_voices(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = database._scripts()
    with monkeypatch.context() as older:
        older.setattr(database, "_scripts", lambda: scripts[:4])
        connection = database.connect(path)
        connection.executemany(
            "INSERT INTO notes (path, source, title, text, sha256, words, tokens, imported_at,"
            " own_words) VALUES (?, '/n', 't', 'Ada: hello there', '1', 3, 3, 1, ?)",
            [("/n/chat", "[[5,10],[11,16]]"), ("/n/theirs", "[]"), ("/n/plain", None)],
        )
        connection.close()
    connection = database.connect(path)
    rows = connection.execute("SELECT path, voices FROM notes").fetchall()
    assert {row["path"]: decode_voices(row["voices"]) for row in rows} == {
        "/n/chat": (Voice("", 5, 5, 10, True), Voice("", 11, 11, 16, True)),
        "/n/theirs": (),
        "/n/plain": (),
    }
    found = connection.execute("SELECT count(*) FROM notes_index WHERE notes_index MATCH 'h*'")
    assert found.fetchone()[0] == 3
