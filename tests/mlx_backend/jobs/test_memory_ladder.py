from __future__ import annotations

import pytest

from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.memory_ladder import Lowered, lower_memory, lowered_memory
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))


def test_each_bad_end_is_a_step_down(folder: JobFolder) -> None:
    assert lowered_memory(folder) == Lowered()
    assert [lower_memory(folder).rung for _ in range(3)] == [1, 2, 3]
    assert lowered_memory(folder) == Lowered(3)


def test_smaller_portions_are_kept_to(folder: JobFolder) -> None:
    lower_memory(folder)
    assert lower_memory(folder, smaller=True) == Lowered(2, smaller=True)
    assert lower_memory(folder) == Lowered(2, smaller=True, further=1)
    assert lower_memory(folder, smaller=True) == Lowered(2, smaller=True, further=2)
    assert lowered_memory(folder) == Lowered(2, smaller=True, further=2)


def test_a_file_of_an_earlier_version_is_read(folder: JobFolder) -> None:
    (folder.path / "frugality.json").write_bytes(b'{"rung":3}')
    assert lowered_memory(folder) == Lowered(3)


def test_the_last_way_is_below_all_others_and_stays(folder: JobFolder) -> None:
    bottom = lower_memory(folder, to_the_end=True).rung
    assert bottom > 20
    assert lower_memory(folder, to_the_end=True).rung > bottom
    assert lower_memory(folder, smaller=True).rung > bottom
    assert lower_memory(folder, to_the_end=True).rung > bottom


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b'{"rung": "x"}', b'{"rung": -4}'])
def test_a_damaged_file_counts_as_none(folder: JobFolder, data: bytes) -> None:
    (folder.path / "frugality.json").write_bytes(data)
    assert lowered_memory(folder) == Lowered()
    assert lower_memory(folder) == Lowered(1)
