"""Which samples share a row: best-fit bin packing, or none do."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

ROW_LENGTHS = (256, 512)
"""The lengths of rows whose samples are packed, in positions."""


def row_length(size: int, lengths: Sequence[int]) -> int:
    """The shortest row length that `size` positions fit in, else the longest."""
    return next((length for length in lengths if size <= length), lengths[-1])


def pack(
    order: Sequence[int], sizes: Sequence[int], lengths: Sequence[int]
) -> dict[int, list[list[int]]]:
    """Best-fit packing: put samples, in this order, each into the fullest row with room for it.

    A sample without such a row begins a new one, of the shortest length that it fits in. `sizes`
    are in positions; `lengths` are those that rows may have, ascending. Returns the rows, as lists
    of sample indices, by row length.
    """
    rows: dict[int, list[list[int]]] = {length: [] for length in lengths}
    with_room: dict[int, list[list[int]]] = {}
    rooms: list[int] = []  # the keys of with_room, sorted
    for index in order:
        length = row_length(sizes[index], lengths)
        need = min(sizes[index], length)
        place = bisect.bisect_left(rooms, need)
        if place < len(rooms):
            room = rooms[place]
            row = with_room[room].pop()
            if not with_room[room]:
                del with_room[room], rooms[place]
        else:
            room, row = length, []
            rows[length].append(row)
        row.append(index)
        left = room - need
        if left not in with_room:
            with_room[left] = []
            bisect.insort(rooms, left)
        with_room[left].append(row)
    return rows


def alone(
    order: Sequence[int], sizes: Sequence[int], lengths: Sequence[int]
) -> dict[int, list[list[int]]]:
    """A row for each sample, of the shortest length that it fits in; as `pack` otherwise."""
    rows: dict[int, list[list[int]]] = {length: [] for length in lengths}
    for index in order:
        rows[row_length(sizes[index], lengths)].append([index])
    return rows
