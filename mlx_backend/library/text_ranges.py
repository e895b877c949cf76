"""Ranges of characters in a text: reading them from a column, joining them, cutting them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

Ranges = tuple[tuple[int, int], ...]
"""Characters [start, end) of a text, in ascending order, without overlaps."""


def encode_ranges(ranges: Ranges) -> str | None:
    """Ranges as a JSON column holds them; None (NULL) when there are none."""
    return msgspec.json.encode(ranges).decode() if ranges else None


def decode_ranges(encoded: str | None) -> Ranges:
    """The ranges in a JSON column; () for NULL. The inverse of `encode_ranges`."""
    return msgspec.json.decode(encoded, type=Ranges) if encoded else ()


def joined_ranges(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The ranges in ascending order; those that overlap or touch become one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def without_gaps(ranges: Ranges, is_gap_shown: Callable[[int, int], bool]) -> Ranges:
    """The ranges with those gaps [start, end) between two of them that are shown as well."""
    filled: list[tuple[int, int]] = []
    for start, end in ranges:
        if filled and is_gap_shown(filled[-1][1], start):
            filled[-1] = (filled[-1][0], end)
        else:
            filled.append((start, end))
    return tuple(filled)


def kept_ranges(start: int, end: int, left_out: Ranges) -> Iterator[tuple[int, int]]:
    """What remains of [start, end) once the ranges in `left_out` are cut out."""
    for first, last in left_out:
        if start < first and start < end:
            yield start, min(first, end)
        start = max(start, last)
    if start < end:
        yield start, end
