from __future__ import annotations

import pytest

from mlx_backend.jobs.pieces import FIRST, pieces


class Clock:
    """A clock that work moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def cut(total: int, most: int, seconds_each: float) -> list[int]:
    """The sizes of the pieces of work that takes so many seconds an item."""
    clock, sizes, there = Clock(), [], 0
    for piece in pieces(total, most, clock):
        assert piece.start == there
        there = piece.stop
        sizes.append(len(piece))
        clock.now += len(piece) * seconds_each
    assert there == total
    return sizes


def test_fast_work_soon_goes_in_large_pieces() -> None:
    assert cut(100, 32, 0.01) == [FIRST, 16, 32, 32, 12]


@pytest.mark.parametrize("seconds_each", [1.0, 60.0])
def test_slow_work_stays_in_small_ones(seconds_each: float) -> None:
    assert cut(30, 32, seconds_each) == [8, 8, 8, 6]


def test_what_gets_slower_goes_in_smaller_pieces() -> None:
    clock, sizes = Clock(), []
    for piece in pieces(400, 64, clock):
        sizes.append(len(piece))
        clock.now += len(piece) * (0.01 if piece.start < 100 else 2.0)
    assert max(sizes[:4]) == 64
    assert sizes[-2] < 64


@pytest.mark.parametrize(("total", "most"), [(0, 32), (1, 32), (5, 2)])
def test_few_items(total: int, most: int) -> None:
    sizes = cut(total, most, 0.0)
    assert sum(sizes) == total
    assert all(size <= most for size in sizes)
