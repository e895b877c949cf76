from __future__ import annotations

import errno
import json
import os
import sqlite3
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapters import CARD, WEIGHTS, list_adapters, read_adapter
from mlx_backend.library.bin import Bin, Binned
from mlx_backend.library.bin import folders as bin_folders
from mlx_backend.library.models import list_models
from mlx_backend.library.notes import Notes
from tests.mlx_backend.deep import make_deep_folder
from tests.mlx_backend.library import older
from tests.mlx_backend.library.test_adapters import put


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content_of(library: Library, item: Binned) -> Path:
    return library.bin / item.id / "content"


def fail(number: int) -> object:
    def failing(*_: object, **__: object) -> object:
        raise OSError(number, os.strerror(number))

    return failing


def test_an_adapter_comes_back_as_it_was(
    bin_: Bin, adapters: Path, library: Library, connection: sqlite3.Connection
) -> None:
    older.fill(connection)
    before = {p.name: (p.stat().st_ino, p.read_bytes()) for p in (adapters / "Garden").iterdir()}
    card = read_adapter(adapters, "Garden").card
    item = bin_.delete_adapter("Garden")
    assert (item.kind, item.name) == ("adapter", "Garden")
    assert item.bytes == sum(len(data) for _, data in before.values())
    assert bin_.items() == [item]
    assert names(adapters) == []
    assert [n.status for n in Notes(connection).summaries() if n.id == 3] == ["new"]
    restored = bin_.restore(item.id)
    assert (restored.item, restored.name, restored.row) == (item, "Garden", None)
    after = {p.name: (p.stat().st_ino, p.read_bytes()) for p in (adapters / "Garden").iterdir()}
    assert after == before
    assert read_adapter(adapters, "Garden").card == card
    assert [n.status for n in Notes(connection).summaries() if n.id == 3] == ["learned"]
    assert bin_.items() == []
    assert [path.name for path in library.bin.iterdir()] == [".lock"]


@pytest.mark.parametrize("name", ["Garden", "GARDEN", "garden"])
def test_a_name_that_is_taken_meanwhile(bin_: Bin, adapters: Path, name: str) -> None:
    card = read_adapter(adapters, "Garden").card
    item = bin_.delete_adapter("Garden")
    put(adapters, name, created=5)
    other = read_adapter(adapters, name).card
    assert other.id != card.id
    restored = bin_.restore(item.id)
    assert restored.name == "Garden 2"
    back = read_adapter(adapters, "Garden 2").card
    assert (back.id, back.created) == (card.id, card.created)
    assert json.loads((adapters / "Garden 2" / CARD).read_bytes())["name"] == "Garden 2"
    assert read_adapter(adapters, name).card == other


def test_what_another_adapter_learned_meanwhile_stays_its(
    bin_: Bin, adapters: Path, connection: sqlite3.Connection
) -> None:
    older.fill(connection)
    item = bin_.delete_adapter("Garden")
    put(adapters, "Garden", created=5)
    Notes(connection).mark_learned("Garden", {3: "a"})
    assert bin_.restore(item.id).name == "Garden 2"
    assert older.rows_of(connection, "notes")[0]["learned_by"] == "Garden"


def test_a_note_in_the_bin_forgets_an_adapter_too(
    bin_: Bin, adapters: Path, connection: sqlite3.Connection
) -> None:
    older.fill(connection)
    (note,) = bin_.delete_notes([3])
    bin_.delete_adapter("Garden")
    put(adapters, "Garden", created=5)
    bin_.restore(note.id)
    assert older.rows_of(connection, "notes")[0]["learned_by"] is None


def test_a_damaged_adapter(bin_: Bin, adapters: Path) -> None:
    (adapters / "Garden" / CARD).write_bytes(b"\xff{")
    item = bin_.delete_adapter("Garden")
    put(adapters, "Garden")
    assert bin_.restore(item.id).name == "Garden 2"
    assert (adapters / "Garden 2" / CARD).read_bytes() == b"\xff{"


def test_a_copy_stays_another_adapter_than_its_original(bin_: Bin, adapters: Path) -> None:
    put(adapters, "Copy")
    (adapters / "Copy" / CARD).write_bytes((adapters / "Garden" / CARD).read_bytes())
    original, copy = (read_adapter(adapters, name).card.id for name in ("Garden", "Copy"))
    assert original != copy
    bin_.restore(bin_.delete_adapter("Copy").id)
    assert read_adapter(adapters, "Copy").card.id == copy


@pytest.mark.parametrize("name", ["nobody", "", "..", "../adapters", ".", "a/b", "\0"])
def test_the_unknown(bin_: Bin, adapters: Path, name: str) -> None:
    with pytest.raises(OvernightError) as caught:
        bin_.delete_adapter(name)
    assert caught.value.kind is ErrorKind.ADAPTER_UNKNOWN
    with pytest.raises(OvernightError) as caught:
        bin_.delete_model(name)
    assert caught.value.kind is ErrorKind.MODEL_UNKNOWN
    assert names(adapters) == ["Garden"]


def test_a_model_and_a_link_to_one(bin_: Bin, tiny_library: Library, tmp_path: Path) -> None:
    target = (tiny_library.models / "tiny").readlink()
    before = names(target)
    item = bin_.delete_model("tiny")
    assert (item.kind, item.name, item.bytes) == ("model", "tiny", 0)
    assert content_of(tiny_library, item).is_symlink()
    assert [model.card.name for model in list_models(tiny_library.models)] == ["starter"]
    assert bin_.restore(item.id).name == "tiny"
    assert (tiny_library.models / "tiny").readlink() == target
    item = bin_.delete_model("tiny")
    bin_.remove(item.id)
    assert names(target) == before, "what a link points to is not the library's"


def test_a_half_written_model_and_a_link_to_nowhere(bin_: Bin, library: Library) -> None:
    (library.models / "half").mkdir()
    (library.models / "half" / "config.json").write_text("{")
    (library.models / "lost").symlink_to("/nowhere/at/all")
    for name in ("half", "lost"):
        assert bin_.restore(bin_.delete_model(name).id).name == name
        bin_.delete_model(name)
    assert bin_.empty() == 2
    assert names(library.models) == []


def test_a_model_that_was_made_again_meanwhile(bin_: Bin, tiny_library: Library) -> None:
    models = tiny_library.models
    target = (models / "starter").readlink()
    item = bin_.delete_model("starter")
    (models / "starter").symlink_to(target)
    assert bin_.restore(item.id).name == "starter"
    assert names(models) == ["starter", "tiny"]
    assert bin_.items() == []


def test_a_model_whose_name_another_one_has(bin_: Bin, tiny_library: Library) -> None:
    models = tiny_library.models
    item = bin_.delete_model("tiny")
    (models / "Tiny").mkdir()
    assert bin_.restore(item.id).name == "tiny 2"
    assert [model.card.name for model in list_models(models)] == ["starter", "tiny 2"]


# --- killed during a move ---


def test_an_adapter_that_was_announced_and_never_left(
    bin_: Bin, adapters: Path, library: Library
) -> None:
    item = bin_.delete_adapter("Garden")
    content_of(library, item).rename(adapters / "Garden")
    assert bin_.items() == []
    with pytest.raises(OvernightError):
        bin_.restore(item.id)
    bin_.purge(30, 0)
    assert names(library.bin) == [".lock"]
    assert names(adapters) == ["Garden"]


def test_an_adapter_that_left_before_its_notes_were_told(
    bin_: Bin, adapters: Path, library: Library, connection: sqlite3.Connection
) -> None:
    item = bin_.delete_adapter("Garden")
    older.fill(connection)  # as they were: learned by Garden
    bin_.purge(30, 0)
    assert older.rows_of(connection, "notes")[0]["learned_by"] is None
    bin_.restore(item.id)
    assert older.rows_of(connection, "notes")[0]["learned_by"] == "Garden"


def test_an_announcement_that_was_cut_short(bin_: Bin, library: Library) -> None:
    (library.bin / "0123abcd").mkdir(parents=True)
    (library.bin / "0123abce").mkdir()
    (library.bin / "0123abce" / ".item.json.999999999.part").write_bytes(b"{")
    assert bin_.items() == []
    bin_.purge(30, 0)
    assert bin_.items() == []
    assert names(library.bin) == [".lock"]


def test_a_deletion_for_good_that_was_cut_short(
    bin_: Bin, adapters: Path, library: Library
) -> None:
    item = bin_.delete_adapter("Garden")
    content_of(library, item).rename(library.bin / item.id / "leaving")
    assert bin_.items() == []
    bin_.purge(30, 0)
    assert names(library.bin) == [".lock"]


@pytest.mark.parametrize("label", [b"", b"{", b"null", b"\xff", b'{"kind":"adapter"}', None])
def test_a_damaged_label(bin_: Bin, adapters: Path, library: Library, label: bytes | None) -> None:
    path = library.bin / bin_.delete_adapter("Garden").id / "item.json"
    path.unlink()
    if label is not None:
        path.write_bytes(label)
    (item,) = bin_.items()
    assert (item.kind, item.name) == ("adapter", "Garden")
    assert item.bytes > 0
    assert bin_.purge(30, item.deleted) == 0
    assert bin_.restore(item.id).name == "Garden"
    assert names(library.bin) == [".lock"]


@pytest.mark.parametrize("name", ["../../../tmp/evil", "/etc", "", ".hidden", "a/b"])
def test_a_label_with_a_name_that_no_folder_can_have(
    bin_: Bin, adapters: Path, library: Library, name: str
) -> None:
    item = bin_.delete_adapter("Garden")
    label = {"kind": "adapter", "name": name, "deleted": 1.0, "bytes": 1}
    (library.bin / item.id / "item.json").write_text(json.dumps(label))
    assert bin_.restore(item.id).name == "Recovered adapter"
    assert names(adapters) == ["Recovered adapter"]


def test_what_somebody_dropped_there_stays(bin_: Bin, adapters: Path, library: Library) -> None:
    item = bin_.delete_adapter("Garden")
    (library.bin / "holiday.jpg").write_bytes(b"x")
    (library.bin / "a folder").mkdir()
    (library.bin / "0000000f").write_bytes(b"not a folder")
    (library.bin / item.id / "mine.txt").write_bytes(b"x")
    assert bin_.items() == [item]
    assert bin_.empty() == 1
    bin_.purge(30, 0)
    assert bin_.items() == []
    assert names(library.bin) == sorted([".lock", "0000000f", "a folder", "holiday.jpg", item.id])
    assert names(library.bin / item.id) == ["mine.txt"]


# --- failures ---


@pytest.mark.parametrize("step", ["write_atomically", "sync_path"])
def test_a_full_disk_leaves_an_adapter_where_it_is(
    bin_: Bin, adapters: Path, library: Library, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(bin_folders, step, fail(errno.ENOSPC))
        with pytest.raises(OSError, match="space"):
            bin_.delete_adapter("Garden")
    assert [adapter.name for adapter in list_adapters(adapters)] == ["Garden"]
    assert bin_.items() == []


def test_another_disk(bin_: Bin, adapters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(Path, "rename", fail(errno.EXDEV))
        with pytest.raises(OvernightError, match="another disk"):
            bin_.delete_adapter("Garden")
    assert [adapter.name for adapter in list_adapters(adapters)] == ["Garden"]
    assert bin_.items() == []


def test_a_database_that_cannot_be_written_keeps_an_adapter_where_it_was(
    bin_: Bin, adapters: Path, connection: sqlite3.Connection
) -> None:
    older.fill(connection)
    connection.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON notes BEGIN SELECT raise(ABORT, 'full'); END"
    )
    with pytest.raises(sqlite3.Error):
        bin_.delete_adapter("Garden")
    assert [adapter.name for adapter in list_adapters(adapters)] == ["Garden"]
    assert bin_.items() == []


def test_a_database_that_cannot_be_written_keeps_an_adapter_in_the_bin(
    bin_: Bin, adapters: Path, connection: sqlite3.Connection
) -> None:
    older.fill(connection)
    item = bin_.delete_adapter("Garden")
    put(adapters, "Garden", created=5)
    connection.execute(
        "CREATE TRIGGER full BEFORE UPDATE ON turns BEGIN SELECT raise(ABORT, 'full'); END"
    )
    with pytest.raises(sqlite3.Error):
        bin_.restore(item.id)
    assert bin_.items() == [item]
    assert names(adapters) == ["Garden"]
    connection.execute("DROP TRIGGER full")
    assert bin_.restore(item.id).name == "Garden 2"
    assert older.rows_of(connection, "notes")[0]["learned_by"] == "Garden 2"


def test_a_restore_that_fails_leaves_the_item_in_the_bin(
    bin_: Bin, adapters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = bin_.delete_adapter("Garden")
    with monkeypatch.context() as full:
        full.setattr(Path, "rename", fail(errno.ENOSPC))
        with pytest.raises(OSError, match="space"):
            bin_.restore(item.id)
    assert bin_.items() == [item]
    assert bin_.restore(item.id).name == "Garden"


def test_the_weights_are_gone_once_it_is_emptied(
    bin_: Bin, adapters: Path, library: Library
) -> None:
    bin_.delete_adapter("Garden")
    assert list(library.bin.rglob(WEIGHTS))
    bin_.empty()
    assert not list(library.bin.rglob(WEIGHTS))


@pytest.mark.parametrize("name", ["Garden", "Garden 2"])
def test_an_adapter_that_is_back_though_its_label_is_still_there(
    bin_: Bin, adapters: Path, library: Library, connection: sqlite3.Connection, name: str
) -> None:
    older.fill(connection)
    item = bin_.delete_adapter("Garden")
    content_of(library, item).rename(adapters / name)
    assert bin_.items() == []
    assert bin_.purge(30, 0) == 0
    assert names(library.bin) == [".lock"]
    assert names(adapters) == [name]
    assert older.rows_of(connection, "unlearned") == []


def test_a_full_disk_lets_no_adapter_become_another_one(
    bin_: Bin, adapters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = read_adapter(adapters, "Garden").card
    item = bin_.delete_adapter("Garden")
    put(adapters, "Garden", created=5)
    with monkeypatch.context() as full:
        full.setattr("mlx_backend.library.adapters.write_atomically", fail(errno.ENOSPC))
        with pytest.raises(OSError, match="space"):
            bin_.restore(item.id)
    assert bin_.items() == [item]
    assert bin_.restore(item.id).name == "Garden 2"
    assert read_adapter(adapters, "Garden 2").card.id == card.id


def test_a_folder_too_deep_for_recursion_is_removed(
    bin_: Bin, adapters: Path, library: Library
) -> None:
    make_deep_folder(adapters / "Garden")
    bin_.delete_adapter("Garden")
    assert bin_.empty() == 1
    assert names(library.bin) == [".lock"]
