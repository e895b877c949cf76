"""What version 0.1 wrote about saving memory means the same way as it did there."""

from __future__ import annotations

import itertools

import pytest

from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.memory_offsets import Lowered, read_lowered, read_planned_steps, way_at
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec
from tests.mlx_backend.jobs.test_memory_ladder import letter

# Computed with the code of version 0.1: by tokens in a batch, dropout and whether the person chose
# to save memory, for plans 0 to 3 steps down, and all the OFFSETS, the way as a letter.
OFFSETS = list(itertools.product((0, 1, 2, 3, 4, 100), (False, True), (0, 1, 2)))
LEAST = "s" * len(OFFSETS)
WAYS: dict[tuple[int, float, bool], tuple[str, ...]] = {
    (512, 0.0, False): (
        "fffsssmmmssslllsssssssssssssssssssss",
        "mmmssslllsssssssssssssssssssssssssss",
        "lllsssssssssssssssssssssssssssssssss",
        LEAST,
    ),
    (512, 0.0, True): ("lllsssssssssssssssssssssssssssssssss", LEAST, LEAST, LEAST),
    (512, 0.1, False): ("fffsssssssssssssssssssssssssssssssss", LEAST, LEAST, LEAST),
    (512, 0.1, True): (LEAST, LEAST, LEAST, LEAST),
    (2048, 0.0, False): (
        "fffrssmmmrsslllrssrrrrssssssssssssss",
        "mmmrsslllrssrrrrssssssssssssssssssss",
        "lllrssrrrrssssssssssssssssssssssssss",
        "rrrrssssssssssssssssssssssssssssssss",
    ),
    (2048, 0.0, True): (
        "lllrssrrrrssssssssssssssssssssssssss",
        "rrrrssssssssssssssssssssssssssssssss",
        LEAST,
        LEAST,
    ),
    (2048, 0.1, False): (
        "fffrssrrrrssssssssssssssssssssssssss",
        "rrrrssssssssssssssssssssssssssssssss",
        LEAST,
        LEAST,
    ),
    (2048, 0.1, True): (LEAST, LEAST, LEAST, LEAST),
}


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))


@pytest.mark.parametrize(("batch", "dropout", "low_memory"), WAYS)
def test_old_offsets_mean_the_same_ways(batch: int, dropout: float, low_memory: bool) -> None:
    for planned, expected in enumerate(WAYS[batch, dropout, low_memory]):
        found = (
            way_at(planned, Lowered(*offsets), batch, dropout, low_memory) for offsets in OFFSETS
        )
        assert "".join(letter(way, batch) for way in found) == expected


def test_files_of_version_0_1_are_read(folder: JobFolder) -> None:
    assert read_lowered(folder) == Lowered()
    assert read_planned_steps(folder) == 0
    (folder.path / "frugality.json").write_bytes(b'{"rung":2,"smaller":true,"further":1}')
    (folder.path / "plan.json").write_bytes(b'{"notes":3,"steps":8,"down":1,"way":"slower"}')
    assert read_lowered(folder) == Lowered(2, smaller=True, further=1)
    assert read_planned_steps(folder) == 1
    (folder.path / "frugality.json").write_bytes(b'{"rung":3}')
    assert read_lowered(folder) == Lowered(3)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b'{"rung": "x"}', b'{"rung": -4}'])
def test_a_damaged_file_counts_as_none(folder: JobFolder, data: bytes) -> None:
    (folder.path / "frugality.json").write_bytes(data)
    assert read_lowered(folder) == Lowered()
