"""Which adapter learned a note and which one answered, in any order of deleting and restoring."""

from __future__ import annotations

import itertools
import sqlite3
import time
from pathlib import Path

import pytest

from mlx_backend.library.bin import Bin
from mlx_backend.library.conversations import Conversations, StoredTurn
from tests.mlx_backend.library import older
from tests.mlx_backend.library.test_adapters import put

pytestmark = pytest.mark.usefixtures("filled")

WAYS = [("note", "adapter"), ("adapter", "note")]


@pytest.mark.parametrize("name", ["Garden", "Garden 2"])
@pytest.mark.parametrize(("gone", "back"), list(itertools.product(WAYS, WAYS)))
def test_what_was_learned_is_known_again_in_whichever_order(
    bin_: Bin,
    adapters: Path,
    connection: sqlite3.Connection,
    gone: tuple[str, str],
    back: tuple[str, str],
    name: str,
) -> None:
    items = {}
    for what in gone:
        items[what] = bin_.delete_notes([3])[0] if what == "note" else bin_.delete_adapter("Garden")
    if name != "Garden":
        put(adapters, "Garden", created=5)
    for what in back:
        bin_.restore(items[what].id)
    note = older.rows_of(connection, "notes")[0]
    assert (note["learned_by"], note["learned_sha256"]) == (name, "a")
    assert older.rows_of(connection, "unlearned") == []


@pytest.mark.parametrize("gone", WAYS)
def test_an_adapter_that_was_thrown_out_is_forgotten_by_notes_in_the_bin(
    bin_: Bin, adapters: Path, connection: sqlite3.Connection, gone: tuple[str, str]
) -> None:
    items = {}
    for what in gone:
        items[what] = bin_.delete_notes([3])[0] if what == "note" else bin_.delete_adapter("Garden")
    bin_.remove(items["adapter"].id)
    bin_.restore(items["note"].id)
    assert older.rows_of(connection, "notes")[0]["learned_by"] is None
    assert older.rows_of(connection, "unlearned") == []


@pytest.mark.parametrize("in_bin", [False, True])
def test_who_answered_follows_an_adapter_whose_name_was_taken(
    bin_: Bin, adapters: Path, connection: sqlite3.Connection, in_bin: bool
) -> None:
    item = bin_.delete_adapter("Garden")
    put(adapters, "Garden", created=time.time())
    Conversations(connection).add(6, StoredTurn("assistant", "Ida.", "Garden"))
    talks = bin_.delete_conversations([6]) if in_bin else ()
    assert bin_.restore(item.id).name == "Garden 2"
    bin_.restore_all(talk.id for talk in talks)
    turns = Conversations(connection).turns(6)
    assert [turn.adapter for turn in turns] == [None, "Garden 2", "Garden"]
