"""Notes that nearly repeat a longer one: drafts, copies with a few words changed.

MinHash sketches (Broder, "On the resemblance and containment of documents", 1997) in bands tell
which notes to compare at all; then the wording itself is compared. A note with a number of its own
is no near duplicate: records of one form differ in their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from mlx_backend.curation.text_fingerprints import Hashes, Wording

Sketches = npt.NDArray[np.uint32]
Pair = tuple[int, int]

PERMUTATIONS = 64
SMALLEST_LIKENESS = 0.8
"""Jaccard index of two notes' runs of three words, from which they can be near duplicates."""
SMALLEST_SHARE = 0.9
"""Share of a note's wording that the other one must hold for the note to be left out."""

_ROWS = 4
_SEED = 1
_WORTH_COMPARING = 0.62  # three standard deviations of the estimate below SMALLEST_LIKENESS
_NEIGHBOURS = 8


def make_sketches(wordings: Sequence[Hashes]) -> Sketches:
    """One row for each wording, none of which may be empty."""
    if not wordings:
        return np.empty((0, PERMUTATIONS), np.uint32)
    ends = np.cumsum([0, *map(len, wordings)], dtype=np.uint64)
    flat = np.concatenate(wordings)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, ends, PERMUTATIONS, _SEED)
    return np.array(matrix.to_rows(), np.uint32)


def find_candidates(sketches: Sketches) -> list[Pair]:
    """Pairs of rows, the smaller first, that are worth comparing.

    In a group that shares a band each is paired with its neighbours and with the first alone, so
    that many notes of one template take no longer than as many different ones.
    """
    found = {
        pair for first in range(0, PERMUTATIONS, _ROWS) for pair in _alike_in_band(sketches, first)
    }
    return sorted(found)


def compare(one: Wording, other: Wording) -> tuple[float, float]:
    """How much of each wording the other one holds, from 0 to 1.

    0 where a text has numbers that the other lacks, or where both are not alike enough.
    """
    mine, theirs = one.shingles, other.shingles
    common = len(np.intersect1d(mine, theirs, assume_unique=True))
    if not common or common < SMALLEST_LIKENESS * (len(mine) + len(theirs) - common):
        return 0.0, 0.0
    return (
        common / len(mine) if one.numbers <= other.numbers else 0.0,
        common / len(theirs) if other.numbers <= one.numbers else 0.0,
    )


def choose(shares: Mapping[Pair, float]) -> dict[int, tuple[int, float]]:
    """The rows that are left out, each with the one that stays and the share that it holds.

    `shares` has for (row, earlier row) how much of the former's wording stands in the latter. Rows
    come in order of preference: an earlier one is never left out for a later one, and one that
    stays in the place of another is not itself left out.
    """
    earlier: dict[int, list[tuple[float, int]]] = {}
    for (row, other), share in shares.items():
        if share >= SMALLEST_SHARE:
            earlier.setdefault(row, []).append((-share, other))
    left_out: dict[int, tuple[int, float]] = {}
    for row in sorted(earlier):
        for share, other in sorted(earlier[row]):
            if other not in left_out:
                left_out[row] = other, -share
                break
    return left_out


def _alike_in_band(sketches: Sketches, first: int) -> Iterator[Pair]:
    band = np.ascontiguousarray(sketches[:, first : first + _ROWS])
    _, group = np.unique(band, axis=0, return_inverse=True)
    order = np.argsort(group, kind="stable")
    grouped = group[order]
    for distance in range(1, _NEIGHBOURS + 1):
        same = grouped[distance:] == grouped[:-distance]
        if not same.any():
            return
        yield from _alike(sketches, order[:-distance][same], order[distance:][same])
    starts = np.searchsorted(grouped, grouped)
    far = np.arange(len(order)) - starts > _NEIGHBOURS
    yield from _alike(sketches, order[starts[far]], order[far])


def _alike(
    sketches: Sketches, rows: npt.NDArray[np.intp], others: npt.NDArray[np.intp]
) -> Iterator[Pair]:
    for start, end in pairwise([*range(0, len(rows), 10_000), len(rows)]):
        mine, theirs = rows[start:end], others[start:end]
        estimate = (sketches[mine] == sketches[theirs]).mean(axis=1)
        alike = estimate >= _WORTH_COMPARING
        yield from zip(mine[alike].tolist(), theirs[alike].tolist(), strict=True)
