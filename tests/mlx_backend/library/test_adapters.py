from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import (
    CARD,
    CONFIG,
    WEIGHTS,
    AdapterCard,
    adapter_removed,
    free_name,
    list_adapters,
    list_damaged,
    name_taken,
    read_adapter,
)


def put(folder: Path, name: str, created: float = 1.0) -> Path:
    """Write an adapter's folder with fake weights; returns its path."""
    path = folder / name
    path.mkdir(parents=True)
    card = AdapterCard(
        name=name,
        base="tiny",
        base_sha256="0" * 64,
        created=created,
        run="r",
        rank=4,
        scale=2.0,
        steps=3,
        notes=1,
        samples=2,
        train_loss=1.5,
    )
    (path / CARD).write_bytes(msgspec.json.encode(card))
    (path / WEIGHTS).write_bytes(b"weights")
    (path / CONFIG).write_bytes(b"{}")
    return path


def remove_adapter(folder: Path, name: str) -> None:
    with adapter_removed(folder, name):
        assert not (folder / name).exists()


def kind_of(folder: Path, name: str) -> ErrorKind:
    with pytest.raises(OvernightError) as caught:
        read_adapter(folder, name)
    assert caught.value.hint
    return caught.value.kind


def test_the_newest_is_first_and_what_is_no_adapter_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "old", created=1)
    put(tmp_path, "new", created=2)
    put(tmp_path, ".hidden", created=3)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    assert [adapter.card.name for adapter in list_adapters(tmp_path)] == ["new", "old"]


def test_no_folder_no_adapters(tmp_path: Path) -> None:
    assert list_adapters(tmp_path / "gone") == []


BROKEN_CARDS = [b"", b"{", b"null", b"{}", b"\xff\xfe\x00", b'{"name": "\xff"}', b'{"a":' * 9999]


@pytest.mark.parametrize("data", BROKEN_CARDS, ids=lambda data: repr(data[:12]))
def test_a_damaged_card_is_a_typed_error_and_spoils_no_list(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "good")
    (put(tmp_path, "bad") / CARD).write_bytes(data)
    assert kind_of(tmp_path, "bad") is ErrorKind.ADAPTER_DAMAGED
    assert [adapter.card.name for adapter in list_adapters(tmp_path)] == ["good"]


@pytest.mark.parametrize("file", [CARD, WEIGHTS, CONFIG])
def test_a_missing_file(tmp_path: Path, file: str) -> None:
    (put(tmp_path, "bad") / file).unlink()
    assert kind_of(tmp_path, "bad") is ErrorKind.ADAPTER_DAMAGED


@pytest.mark.parametrize("file", [CARD, WEIGHTS, CONFIG])
def test_an_empty_file(tmp_path: Path, file: str) -> None:
    (put(tmp_path, "bad") / file).write_bytes(b"")
    assert kind_of(tmp_path, "bad") is ErrorKind.ADAPTER_DAMAGED


@pytest.mark.parametrize("name", ["nobody", "", "..", "../adapters", ".", "a/b", "\0", "x" * 300])
def test_an_unknown_name(tmp_path: Path, name: str) -> None:
    put(tmp_path, "good")
    assert kind_of(tmp_path, name) is ErrorKind.ADAPTER_UNKNOWN


def test_removing(tmp_path: Path) -> None:
    put(tmp_path, "doomed")
    put(tmp_path, "kept")
    remove_adapter(tmp_path, "doomed")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_removing_what_is_damaged(tmp_path: Path) -> None:
    (put(tmp_path, "doomed") / CARD).write_bytes(b"")
    remove_adapter(tmp_path, "doomed")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["nobody", "..", "", "../kept", "."])
def test_removing_the_unknown_removes_nothing(tmp_path: Path, name: str) -> None:
    put(tmp_path / "adapters", "kept")
    with pytest.raises(OvernightError) as caught:
        remove_adapter(tmp_path / "adapters", name)
    assert caught.value.kind is ErrorKind.ADAPTER_UNKNOWN
    assert len(list_adapters(tmp_path / "adapters")) == 1


def test_a_copied_folder_does_not_pass_for_the_original(tmp_path: Path) -> None:
    original = put(tmp_path, "Tiny")
    shutil.copytree(original, tmp_path / "Copy")
    assert sorted(a.card.name for a in list_adapters(tmp_path)) == ["Copy", "Tiny"]
    remove_adapter(tmp_path, read_adapter(tmp_path, "Copy").card.name)
    assert [a.card.name for a in list_adapters(tmp_path)] == ["Tiny"]


def test_what_cannot_be_read_is_listed_as_damaged_and_can_be_removed(tmp_path: Path) -> None:
    put(tmp_path, "Whole")
    (put(tmp_path, "No weights") / WEIGHTS).unlink()
    (put(tmp_path, "Bad card") / CARD).write_bytes(b"\xff{")
    (put(tmp_path, "Deep card") / CARD).write_bytes(b"[" * 100_000)
    (put(tmp_path, "No card") / CARD).unlink()
    (tmp_path / ".half-made").mkdir()
    (tmp_path / "a file").write_bytes(b"not a folder")
    damaged = list_damaged(tmp_path)
    assert [one.name for one in damaged] == ["Bad card", "Deep card", "No card", "No weights"]
    assert all(one.bytes > 0 for one in damaged)
    assert [one.name for one in list_adapters(tmp_path)] == ["Whole"]
    for one in damaged:
        remove_adapter(tmp_path, one.name)
    assert list_damaged(tmp_path) == []
    assert list_damaged(tmp_path / "missing") == []


def test_a_name_is_taken_in_whichever_way_it_is_written(tmp_path: Path) -> None:
    put(tmp_path, "Müller")
    for name in ("Müller", "mu\u0308ller", "MÜLLER"):
        assert name_taken(tmp_path, name) == "Müller"
    assert name_taken(tmp_path, "Muller") is None
    assert free_name(tmp_path, "MÜLLER") == "MÜLLER 2"


def test_an_adapter_is_found_in_whichever_form_its_disk_holds_the_name(tmp_path: Path) -> None:
    put(tmp_path, "Mu\u0308ller")
    assert read_adapter(tmp_path, "M\u00fcller").path == tmp_path / "Mu\u0308ller"
    put(tmp_path, "日記")
    assert [a.name for a in list_adapters(tmp_path)] == ["Mu\u0308ller", "日記"]
    remove_adapter(tmp_path, "M\u00fcller")
    assert [a.name for a in list_adapters(tmp_path)] == ["日記"]


def test_a_longest_name_leaves_room_for_its_number(tmp_path: Path) -> None:
    for name in ("x" * 64, "日" * 64, "\U00010400" * 55):
        put(tmp_path, name)
        numbered = free_name(tmp_path, name)
        assert numbered.endswith(" 2")
        put(tmp_path, numbered)
        remove_adapter(tmp_path, numbered)
