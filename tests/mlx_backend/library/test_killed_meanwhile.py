"""Processes killed while they delete, restore or rename adapters."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from mlx_backend import files
from mlx_backend.library import Library, adapter_renaming, database
from mlx_backend.library import adapters as store
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.adapters import list_adapters, read_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.library.bin import bin as bin_module
from tests.mlx_backend.library import older
from tests.mlx_backend.library.test_adapters import put
from tests.mlx_backend.library.test_bin_folders import names

pytestmark = pytest.mark.usefixtures("filled")


def killed(work: Callable[[pytest.MonkeyPatch], object]) -> None:
    """Run `work` in a forked process that must kill itself while at it."""
    process = os.fork()
    if not process:
        try:
            work(pytest.MonkeyPatch())
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9, "it lived on"


def die(*_: object) -> NoReturn:
    os._exit(9)


@contextlib.contextmanager
def die_before_the_commit(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    yield
    os._exit(9)


@pytest.mark.parametrize("name", ["Garden", "Garden 2"])
def test_killed_while_an_adapter_comes_back(
    bin_: Bin, adapters: Path, library: Library, connection: sqlite3.Connection, name: str
) -> None:
    identity = read_adapter(adapters, "Garden").card.id
    item = bin_.delete_adapter("Garden")
    if name != "Garden":
        put(adapters, "Garden", created=5)

    def restore(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(bin_module, "transaction", die_before_the_commit)
        Bin(library, database.connect(library.database)).restore(item.id)

    killed(restore)
    bin_.purge(30, 0)
    assert bin_.items() == []
    assert read_adapter(adapters, name).card.id == identity
    assert older.rows_of(connection, "notes")[0]["learned_by"] == name
    assert older.rows_of(connection, "turns")[0]["adapter"] == name
    assert store.half_renamed(adapters) == []


def test_a_deletion_for_good_that_the_database_does_not_take(
    bin_: Bin, adapters: Path, library: Library, connection: sqlite3.Connection
) -> None:
    connection.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON notes BEGIN SELECT raise(ABORT, 'full'); END"
    )
    with pytest.raises(sqlite3.Error):
        bin_.delete_adapter_now("Garden")
    assert names(adapters) == ["Garden"]
    connection.execute("DROP TRIGGER full")
    bin_.delete_adapter_now("Garden")
    assert names(adapters) == []
    assert older.rows_of(connection, "notes")[0]["learned_by"] is None


def test_killed_while_an_adapter_is_removed_for_good(
    bin_: Bin, adapters: Path, library: Library, connection: sqlite3.Connection
) -> None:

    def remove(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(files, "remove_tree", die)
        Bin(library, database.connect(library.database)).delete_adapter_now("Garden")

    killed(remove)
    assert list_adapters(adapters) == []
    assert older.rows_of(connection, "notes")[0]["learned_by"] is None


@pytest.mark.parametrize("step", ["card", "folder", "commit"])
def test_while_an_adapter_is_renamed(
    adapters: Path, library: Library, bin_: Bin, connection: sqlite3.Connection, step: str
) -> None:
    before = read_adapter(adapters, "Garden").card

    def rename(patch: pytest.MonkeyPatch) -> None:
        if step == "card":
            patch.setattr(adapter_renaming, "transaction", die)
        elif step == "folder":
            patch.setattr(adapter_renaming, "transaction", die_before_the_commit)
        else:
            patch.setattr(contextlib, "suppress", die)
        rename_adapter(library, database.connect(library.database), "Garden", "Harbour")

    killed(rename)
    name = "Garden" if step == "card" else "Harbour"
    assert read_adapter(adapters, name).card.id == before.id
    bin_.purge(30, 0)
    assert read_adapter(adapters, name).card.id == before.id
    assert older.rows_of(connection, "notes")[0]["learned_by"] == name
    assert older.rows_of(connection, "turns")[0]["adapter"] == name
    assert store.half_renamed(adapters) == []
    put(adapters, "Copy")
    card = (adapters / name / store.CARD).read_bytes()
    (adapters / "Copy" / store.CARD).write_bytes(card)
    assert read_adapter(adapters, "Copy").card.id != before.id
