from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library, adapters
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.adapters import list_adapters, read_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.library.conversations import Conversations, StoredTurn
from tests.mlx_backend.library import older
from tests.mlx_backend.library.test_adapters import put

pytestmark = pytest.mark.usefixtures("filled", "adapters")


def learned_by(connection: sqlite3.Connection) -> list[object]:
    return [row["learned_by"] for row in older.rows_of(connection, "notes")]


def answered_by(connection: sqlite3.Connection) -> list[str | None]:
    return [turn.adapter for turn in Conversations(connection).turns(6)]


def test_everything_that_names_it_follows(library: Library, connection: sqlite3.Connection) -> None:
    before = read_adapter(library.adapters, "Garden").card
    rename_adapter(library, connection, "Garden", "Harbour")
    after = read_adapter(library.adapters, "Harbour").card
    assert [adapter.name for adapter in list_adapters(library.adapters)] == ["Harbour"]
    assert (after.id, after.created, after.run) == (before.id, before.created, before.run)
    assert learned_by(connection) == ["Harbour", None]
    assert answered_by(connection) == [None, "Harbour"]
    rename_adapter(library, connection, "Harbour", "Garden")
    assert read_adapter(library.adapters, "Garden").card == before


def test_so_does_what_is_in_the_bin(library: Library, connection: sqlite3.Connection) -> None:
    bin_ = Bin(library, connection)
    items = [*bin_.delete_notes([3]), *bin_.delete_conversations([6])]
    rename_adapter(library, connection, "Garden", "Harbour")
    bin_.restore_all(item.id for item in items)
    assert learned_by(connection) == ["Harbour", None]
    assert answered_by(connection) == [None, "Harbour"]


@pytest.mark.parametrize("new", ["Other", "OTHER", "other"])
def test_a_name_that_is_taken(library: Library, connection: sqlite3.Connection, new: str) -> None:
    put(library.adapters, "Other")
    with pytest.raises(OvernightError) as caught:
        rename_adapter(library, connection, "Garden", new)
    assert caught.value.kind is ErrorKind.ADAPTER_EXISTS
    assert sorted(adapter.name for adapter in list_adapters(library.adapters)) == [
        "Garden",
        "Other",
    ]


def test_only_its_case(library: Library, connection: sqlite3.Connection) -> None:
    rename_adapter(library, connection, "Garden", "garden")
    assert [path.name for path in library.adapters.iterdir()] == ["garden"]
    assert learned_by(connection) == ["garden", None]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("Nobody", "New", ErrorKind.ADAPTER_UNKNOWN),
        ("../adapters/Garden", "New", ErrorKind.ADAPTER_UNKNOWN),
        ("Garden", "../evil", ErrorKind.BAD_INPUT),
        ("Garden", "", ErrorKind.BAD_INPUT),
        ("Garden", ".hidden", ErrorKind.BAD_INPUT),
    ],
)
def test_names_that_are_none(
    library: Library, connection: sqlite3.Connection, old: str, new: str, kind: ErrorKind
) -> None:
    with pytest.raises(OvernightError) as caught:
        rename_adapter(library, connection, old, new)
    assert caught.value.kind is kind
    assert [adapter.name for adapter in list_adapters(library.adapters)] == ["Garden"]


def test_not_while_a_run_needs_it(library: Library, connection: sqlite3.Connection) -> None:
    spec = protocol.TrainSpec(name="More", model="tiny", start_from="Garden")
    JobFolder.create(library.runs, spec)
    with pytest.raises(OvernightError, match="More"):
        rename_adapter(library, connection, "Garden", "Harbour")


def test_what_fails_leaves_all_as_it_was(
    library: Library, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_adapter(library.adapters, "Garden").card
    original = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.parent == library.adapters:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(path, target)

    with monkeypatch.context() as full:
        full.setattr(Path, "rename", failing)
        with pytest.raises(OSError, match="space"):
            rename_adapter(library, connection, "Garden", "Harbour")
    assert read_adapter(library.adapters, "Garden").card == before
    assert learned_by(connection) == ["Garden", None]


def test_a_card_for_which_there_is_no_room(
    library: Library, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_adapter(library.adapters, "Garden").card

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(adapters, "write_atomically", full)
        with pytest.raises(OSError, match="space"):
            rename_adapter(library, connection, "Garden", "Harbour")
    assert read_adapter(library.adapters, "Garden").card == before
    assert learned_by(connection) == ["Garden", None]


def test_a_conversation(connection: sqlite3.Connection) -> None:
    conversations = Conversations(connection)
    before = conversations.all()[0].updated_at
    conversations.rename(6, "  All about\n lamps ")
    assert [(c.id, c.title, c.updated_at) for c in conversations.all()] == [
        (6, "All about lamps", before)
    ]
    conversations.rename(6, " \n")
    conversations.rename(99, "Nobody")
    assert [c.title for c in conversations.all()] == ["All about lamps"]
    assert StoredTurn("user", "Who?", None) in conversations.turns(6)
