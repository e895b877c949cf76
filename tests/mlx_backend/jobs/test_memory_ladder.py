from __future__ import annotations

import itertools

import pytest

from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.memory_ladder import (
    LONG_ROW,
    SHORT_ROW,
    MemoryWay,
    first_way,
    is_thriftiest,
    read_computed_way,
    read_limit,
    read_way,
    remove_limit,
    thriftier,
    thriftier_of,
    thriftiest,
    ways_from,
    with_less_at_once,
    write_computed_way,
    write_way,
)
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec

SIZES = (512, 2048)  # of a batch, without a GPU and with one

# As version 0.1 chose them: after each sequence of up to four bad ends, out of memory ("o") or the
# GPU taken away ("t"), the way as a letter of `letter`.
AFTER_BAD_ENDS = {
    (512, 0.0, False): "mslsssssssssssssssssssssssssss",
    (512, 0.0, True): "ssssssssssssssssssssssssssssss",
    (512, 0.1, False): "ssssssssssssssssssssssssssssss",
    (512, 0.1, True): "ssssssssssssssssssssssssssssss",
    (2048, 0.0, False): "mrlrssrrssssssssssssssssssssss",
    (2048, 0.0, True): "rrssssssssssssssssssssssssssss",
    (2048, 0.1, False): "rrssssssssssssssssssssssssssss",
    (2048, 0.1, True): "ssssssssssssssssssssssssssssss",
}


def letter(way: MemoryWay, batch: int) -> str:
    """Short for a way: full speed, MLPs recomputed, layers, row by row, short rows."""
    if way.longest_row == SHORT_ROW:
        return "s"
    if way.at_once < batch:
        return "r"
    return {"nothing": "f", "mlp": "m", "layer": "l"}[way.recomputed]


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))


@pytest.mark.parametrize(
    ("batch", "dropout", "expected"),
    [(512, 0.0, "fmls"), (2048, 0.0, "fmlrs"), (512, 0.1, "fs"), (2048, 0.1, "frs")],
)
def test_the_ways_from_fastest_to_least_memory(batch: int, dropout: float, expected: str) -> None:
    ways = ways_from(first_way(batch, dropout), dropout)
    assert "".join(letter(way, batch) for way in ways) == expected
    assert len({way.text for way in ways}) >= min(4, len(ways) - (dropout > 0))
    at_once = [way.at_once for way in ways]
    assert at_once[0] == batch
    assert at_once == sorted(at_once, reverse=True)
    assert [is_thriftiest(way, dropout) for way in ways] == [False] * (len(ways) - 1) + [True]
    assert thriftier(ways[-1], dropout) is None
    assert thriftiest(ways[0], dropout) == thriftiest(ways[-1], dropout) == ways[-1]
    assert with_less_at_once(ways[-1], dropout) == ways[-1]


@pytest.mark.parametrize(
    ("batch", "dropout", "expected"),
    [(512, 0.0, "l"), (2048, 0.0, "l"), (512, 0.1, "s"), (2048, 0.1, "s")],
)
def test_a_person_who_saves_memory_begins_further_down(
    batch: int, dropout: float, expected: str
) -> None:
    assert letter(first_way(batch, dropout, low_memory=True), batch) == expected


def test_with_dropout_nothing_is_recomputed() -> None:
    ways = [way for size in SIZES for way in ways_from(first_way(size, 0.1), 0.1)]
    assert {way.recomputed for way in ways} == {"nothing"}


def test_after_the_gpu_was_taken_away_less_is_computed_at_once() -> None:
    for way in ways_from(first_way(2048, 0.0), 0.0)[:-1]:
        assert with_less_at_once(way, 0.0).at_once < way.at_once
    assert with_less_at_once(first_way(2048, 0.0), 0.0).longest_row == LONG_ROW


@pytest.mark.parametrize(("batch", "dropout", "low_memory"), AFTER_BAD_ENDS)
def test_bad_ends_lead_to_the_same_ways_as_in_version_0_1(
    batch: int, dropout: float, low_memory: bool
) -> None:
    found = ""
    for length in (1, 2, 3, 4):
        for ends in itertools.product("ot", repeat=length):
            way = first_way(batch, dropout, low_memory)
            for end in ends:
                following = thriftier(way, dropout) or way
                way = following if end == "o" else with_less_at_once(way, dropout)
            found += letter(way, batch)
    assert found == AFTER_BAD_ENDS[batch, dropout, low_memory]


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_of_two_ways_the_one_further_down_takes_less(dropout: float) -> None:
    ways = ways_from(first_way(2048, dropout), dropout)
    for above, below in itertools.combinations(ways, 2):
        assert thriftier_of(above, below) == thriftier_of(below, above) == below
    for way in ways:
        assert thriftier_of(way, None) == thriftier_of(way, way) == way


def test_the_limit_holds_whatever_was_computed(folder: JobFolder) -> None:
    fastest, limit, *_, thriftiest = ways_from(first_way(2048, 0.0), 0.0)
    write_computed_way(folder, fastest)
    assert (read_way(folder), read_limit(folder)) == (fastest, None)
    write_way(folder, limit)
    assert (read_way(folder), read_limit(folder)) == (limit, limit)
    write_computed_way(folder, thriftiest)
    assert (read_way(folder), read_limit(folder)) == (thriftiest, limit)
    remove_limit(folder)
    assert (read_way(folder), read_computed_way(folder)) == (thriftiest, thriftiest)


def test_a_way_is_kept_in_the_runs_folder(folder: JobFolder) -> None:
    assert read_way(folder) is None
    for way in ways_from(first_way(2048, 0.0), 0.0):
        write_way(folder, way)
        assert read_way(folder) == way


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"\xff", b"[]", b'{"at_once": 512}'),
        b'{"recomputed": "all", "at_once": 5}',
        b'{"recomputed": "nothing", "at_once": -4}',
    ],
)
def test_a_damaged_file_counts_as_none_and_is_replaced(folder: JobFolder, data: bytes) -> None:
    (folder.path / "memory_way.json").write_bytes(data)
    assert read_way(folder) is None
    way = first_way(512, 0.0)
    write_way(folder, way)
    assert read_way(folder) == way
