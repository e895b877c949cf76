"""Adapters are told from notes and models by what lies on the disk."""

from __future__ import annotations

import os
import threading
import zipfile
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.adapters.arriving import Arrivals, ArrivalSorter, adapter_at, no_adapters, sort_arrivals


def an_adapter(folder: Path, weights: str = "adapters.safetensors") -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / weights).write_bytes(b"weights")
    return folder


def a_zip(path: Path, *names: str, comment: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
        archive.comment = comment
    return path


@pytest.mark.parametrize("weights", ["adapters.safetensors", "adapter_model.safetensors"])
def test_a_folder_of_an_adapter(tmp_path: Path, weights: str) -> None:
    folder = an_adapter(tmp_path / "garden", weights)
    assert adapter_at(folder) == folder
    assert adapter_at(folder / weights) == folder
    assert adapter_at(folder / "adapter_config.json") == folder
    (folder / weights).unlink()
    assert adapter_at(folder) is None
    assert adapter_at(folder / "adapter_config.json") is None


def test_a_bundle_is_known_by_its_name(tmp_path: Path) -> None:
    bundle = tmp_path / "garden.OVERNIGHT"
    assert adapter_at(bundle) is None  # it is not there
    bundle.write_bytes(b"damaged, and that is for the job to say")
    assert adapter_at(bundle) == bundle


def test_a_zip_is_known_by_what_it_lists(tmp_path: Path) -> None:
    adapter = ("garden/adapter_config.json", "garden/adapters.safetensors")
    whole = a_zip(tmp_path / "garden.zip", *adapter, comment=b"made by hand" * 99)
    assert adapter_at(whole) == whole
    assert adapter_at(a_zip(tmp_path / "notes.zip", "diary.md")) is None
    assert adapter_at(a_zip(tmp_path / "half.zip", adapter[0])) is None
    behind = tmp_path / "behind.zip"  # something stands before it, as in a file that unpacks itself
    behind.write_bytes(b"#!/bin/sh\n" + whole.read_bytes())
    assert adapter_at(behind) == behind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x05\x06",
        b"no zip at all" * 9_999,
        b"PK\x05\x06" + b"\xff" * 18,
        b"PK\x05\x06" + bytes(8) + b"\xff\xff\xff\x7f" + bytes(6),
    ],
)
def test_what_is_no_zip_is_left_to_others(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "odd.zip"
    path.write_bytes(data)
    assert adapter_at(path) is None


def test_what_cannot_be_read_is_left_to_others(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.overnight")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    paths = [tmp_path / "pipe.overnight", tmp_path / "loop", tmp_path / "gone" / "a.zip"]
    assert sort_arrivals(paths) == Arrivals((), tuple(paths))


def test_each_is_taken_once_and_the_rest_keeps_its_order(tmp_path: Path) -> None:
    folder = an_adapter(tmp_path / "garden")
    notes = [tmp_path / "b.md", tmp_path / "a.md"]
    found = sort_arrivals([notes[0], folder, folder / "adapters.safetensors", notes[1]])
    assert found == Arrivals((folder,), tuple(notes))
    assert "“b.md” and 1 more are no adapter" in no_adapters(notes).message


def test_the_disk_is_not_read_on_the_windows_thread(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def look(path: Path) -> None:
        threads.append(threading.get_ident())

    monkeypatch.setattr("app.adapters.arriving.adapter_at", look)
    sorter = ArrivalSorter()
    with qtbot.waitSignal(sorter.sorted) as found:
        sorter.sort([tmp_path])
    assert found.args == [Arrivals((), (tmp_path,))]
    assert threads != [threading.get_ident()]
