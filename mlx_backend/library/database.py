"""The library's SQLite database: connections (one per thread) and numbered migrations."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.text.folding import folded

_PATIENCE_S = 10.0
_MIGRATION_PATIENCE_S = 120


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """`connect` for the length of a block, then close."""
    connection = connect(path)
    try:
        yield connection
    finally:
        connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """Open the database and migrate its schema to the newest version.

    Raises OvernightError when the file is damaged or not writable, or when a later version of
    Overnight wrote it.
    """
    try:
        connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
        connection.row_factory = sqlite3.Row
        _write_ahead(connection)
        # Triggers call these functions to keep the full-text indexes up to date; a SQLite built
        # with untrusted schemas forbids that unless it is switched on.
        connection.create_function("segmented", 1, _segmented, deterministic=True)
        connection.create_function("folded", 1, folded, deterministic=True)
        connection.execute("PRAGMA trusted_schema = ON")
        connection.execute("PRAGMA synchronous = FULL")
        # Off during migrations: one may drop a table and create it again.
        connection.execute("PRAGMA foreign_keys = OFF")
        _migrate(connection)
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error as error:
        raise from_exception(error) from error
    return connection


def _segmented(text: str) -> str:
    if text.isascii():
        return text
    from mlx_backend.text.segmenting import segmented  # slow to import: compiles its patterns

    return segmented(text)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode; retry when another process does so at once, which SQLite refuses."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def folder_of(connection: sqlite3.Connection) -> Path:
    """The folder of the database file."""
    row = connection.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
    return Path(row["file"]).parent


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all writes of the block, or roll them back if it fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # on a full disk, SQLite may have rolled back already
            connection.execute("ROLLBACK")
        raise


def refuse_later_version(path: Path) -> None:
    """Raise OvernightError if a later version of Overnight wrote the database; touch nothing.

    Any other fault of the file, also its absence, is left for `connect` to report.
    """
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)
        with contextlib.closing(connection):
            _check_version(connection, len(_files()))
    except sqlite3.Error:
        return


def _check_version(connection: sqlite3.Connection, newest: int) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > newest:
        raise OvernightError(
            ErrorKind.LIBRARY_DAMAGED,
            "This library was written by a later version of Overnight.",
            "Install the later version, or choose another library with OVERNIGHT_HOME.",
        )
    return version


def _migrate(connection: sqlite3.Connection) -> None:
    scripts = _scripts()
    if _check_version(connection, len(scripts)) == len(scripts):
        return
    # Another process may be at it, and a long library takes its time.
    connection.execute(f"PRAGMA busy_timeout = {_MIGRATION_PATIENCE_S * 1000:d}")
    with transaction(connection):  # one commit for all scripts, because each waits for the disk
        version = _check_version(connection, len(scripts))
        for script in scripts[version:]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(scripts):d}")
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_S * 1000:.0f}")


def _scripts() -> list[str]:
    return [file.read_text(encoding="utf-8") for file in _files()]


def _files() -> list[Traversable]:
    folder = resources.files("mlx_backend.library") / "migrations"
    return sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)


def _statements(script: str) -> list[str]:
    # executescript() would commit the transaction; so split where SQLite sees a complete statement.
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
