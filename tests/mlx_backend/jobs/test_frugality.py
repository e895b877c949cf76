from __future__ import annotations

import pytest

from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.frugality import frugality_rung, lower_memory
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))


def test_each_bad_end_is_a_step_down(folder: JobFolder) -> None:
    assert frugality_rung(folder) == 0
    assert [lower_memory(folder) for _ in range(3)] == [1, 2, 3]
    assert frugality_rung(folder) == 3
    assert [lower_memory(folder, at_least=5) for _ in range(2)] == [5, 6]


def test_the_last_way_is_below_all_others_and_stays(folder: JobFolder) -> None:
    bottom = lower_memory(folder, to_the_end=True)
    assert bottom > 20
    assert lower_memory(folder, to_the_end=True) > bottom
    assert frugality_rung(folder) > bottom


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b'{"rung": "x"}', b'{"rung": -4}'])
def test_a_damaged_file_counts_as_none(folder: JobFolder, data: bytes) -> None:
    (folder.path / "frugality.json").write_bytes(data)
    assert frugality_rung(folder) == 0
    assert lower_memory(folder) == 1
