"""What tests of the bin share: a database, filled or empty, its bin and an adapter."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mlx_backend.library import Library, database
from mlx_backend.library.bin import Bin
from tests.mlx_backend.library import older
from tests.mlx_backend.library.test_adapters import put


@pytest.fixture
def connection(library: Library) -> sqlite3.Connection:
    """The database of the fresh library."""
    return database.connect(library.database)


@pytest.fixture
def filled(connection: sqlite3.Connection) -> sqlite3.Connection:
    """`connection`, with rows in every table."""
    older.fill(connection)
    return connection


@pytest.fixture
def bin_(library: Library, connection: sqlite3.Connection) -> Bin:
    """The bin of the fresh library."""
    return Bin(library, connection)


@pytest.fixture
def adapters(library: Library) -> Path:
    """The folder of adapters, with one called Garden in it."""
    put(library.adapters, "Garden")
    return library.adapters
