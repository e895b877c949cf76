from __future__ import annotations

import errno
import os
import shutil
from typing import Any, NamedTuple

import pytest

from mlx_backend.jobs import JobFolder, disk
from mlx_backend.jobs.disk import has_room, room_needed
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))


def contents(folder: JobFolder) -> set[str]:
    return {path.name for path in folder.path.iterdir()}


def test_larger_checkpoints_need_more_room(folder: JobFolder) -> None:
    none_yet = room_needed(folder)
    for step, size in ((10, 5_000), (20, 90_000)):
        saved = folder.checkpoints / f"step-{step:06d}"
        saved.mkdir(parents=True)
        (saved / "adapter").write_bytes(bytes(size))
    assert room_needed(folder) == none_yet + 2 * 90_000


def test_an_ordinary_disk_has_room_and_keeps_nothing_of_the_trial(folder: JobFolder) -> None:
    before = contents(folder)
    assert has_room(folder, 1 << 20)
    assert contents(folder) == before


def test_a_full_disk_has_none(folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(100, 99, 1))
    assert not has_room(folder, 2)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("function", ["sync_file", "_reserve"])
def test_room_is_believed_only_after_a_write(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch, number: int, function: str
) -> None:
    def refuse(*given: Any) -> None:
        raise OSError(number, os.strerror(number))

    before = contents(folder)
    monkeypatch.setattr(disk, function, refuse)
    assert not has_room(folder, 1 << 20)
    assert contents(folder) == before


def test_a_folder_that_is_gone_has_no_room(folder: JobFolder) -> None:
    shutil.rmtree(folder.path)
    assert not has_room(folder, 1)
