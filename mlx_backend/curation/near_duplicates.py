"""Near duplicates: notes that nearly repeat a longer one, such as drafts and edited copies.

MinHash sketches in bands (Broder, "On the resemblance and containment of documents", 1997) select
candidate pairs; then the wording itself is compared. A note that contains a number which the other
lacks is no near duplicate, because records that share a form differ in their numbers.
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
"""The Jaccard index of two notes' shingles from which they can be near duplicates."""
SMALLEST_SHARE = 0.9
"""The share of a note's shingles that another must contain for the note to be left out."""

_ROWS = 4
_SEED = 1
_WORTH_COMPARING = 0.62  # three standard deviations of the estimate below SMALLEST_LIKENESS
_NEIGHBOURS = 8


def make_sketches(wordings: Sequence[Hashes]) -> Sketches:
    """The MinHash sketches of sets of shingles, one row each; no set may be empty."""
    if not wordings:
        return np.empty((0, PERMUTATIONS), np.uint32)
    ends = np.cumsum([0, *map(len, wordings)], dtype=np.uint64)
    flat = np.concatenate(wordings)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, ends, PERMUTATIONS, _SEED)
    return np.array(matrix.to_rows(), np.uint32)


def find_candidates(sketches: Sketches) -> list[Pair]:
    """The pairs of rows (smaller index first) that are worth comparing.

    Within a group that shares a band, each row is paired only with its neighbours and with the
    first, so that many notes from one template take no longer than as many different notes.
    """
    found = {
        pair for first in range(0, PERMUTATIONS, _ROWS) for pair in _alike_in_band(sketches, first)
    }
    return sorted(found)


def compare(one: Wording, other: Wording) -> tuple[float, float]:
    """The share (0 to 1) of `one` that is also in `other`, and that of `other` in `one`.

    A share is 0 for a text with numbers that the other lacks; both are 0 when the texts are not
    similar enough.
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
    """The rows to leave out, each with the row that stays instead and the share that it contains.

    `shares` gives for (row, earlier row) the share of the former that the latter contains. Rows are
    in order of preference: a row is only left out for an earlier one that is not left out itself.
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
