"""Cutting long work into pieces of some seconds, so that it shows life and can be ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

FIRST = 8
"""Items of the first piece and of the smallest: a batch of eight costs hardly more than one."""

_PIECE_S = 10.0


def pieces(
    total: int, most: int, clock: Callable[[], float] = time.perf_counter
) -> Iterator[range]:
    """The indices of `total` items in pieces of at most `most`, the first one small.

    A piece is twice as large as the one before where that took less than half of ten seconds, and
    half as large where it took more than twice as long. `clock` returns seconds; what passes
    between two pieces is the time of the first.
    """
    size, first = min(FIRST, most), 0
    while first < total:
        began = clock()
        yield range(first, min(total, first + size))
        first += size
        size = _next_size(size, clock() - began, most)


def _next_size(size: int, seconds: float, most: int) -> int:
    if seconds < _PIECE_S / 2:
        return min(most, size * 2)
    if seconds > _PIECE_S * 2:
        return min(most, max(FIRST, size // 2))
    return size
