"""Packing: several samples in one row, each blind to the others.

With rotary positions a sample may lie anywhere in a row, as long as attention stays inside it.
Rows come in three lengths, so that short samples do not pay for the attention of long ones, and
every batch holds the same number of positions: few shapes, each compiled once. What a step sees
is a pure function of seed and step, which is what makes a resumed run exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

ROW_LENGTHS = (128, 256, 512)
BATCH_POSITIONS = 512

_OPEN_ROWS = 16
_TARGET_STEP = 128


@dataclass(frozen=True)
class TokenisedSample:
    """A sample's tokens; those before `prompt_length` are read but not learned."""

    tokens: NDArray[np.int32]
    prompt_length: int
    is_cut: bool = False

    @classmethod
    def of(cls, ids: Sequence[int], prompt_length: int) -> TokenisedSample:
        """Cut to the longest row; the beginning is kept, for it holds the question."""
        longest = ROW_LENGTHS[-1] + 1
        return cls(np.array(ids[:longest], np.int32), prompt_length, len(ids) > longest)


@dataclass(frozen=True)
class Batch:
    """Rows of one length.

    inputs: token ids, (rows, length). mask: (rows, 1, length, length), true where a position may
    look at another. positions: where, counted over all rows, a token is to be predicted, and
    targets: which, both (targets,). learned: 1.0 for these, 0.0 for padding, (targets,).
    """

    inputs: mx.array
    mask: mx.array
    positions: mx.array
    targets: mx.array
    learned: mx.array
    tokens: int


class PackedBatches:
    """The batches of every pass over the samples, shuffled anew for each pass."""

    def __init__(self, samples: Sequence[TokenisedSample], seed: int) -> None:
        """Samples without anything to learn are left out; there must be some with."""
        self._numbers = [
            i for i, s in enumerate(samples) if len(s.tokens) > max(1, s.prompt_length)
        ]
        self._samples = [samples[i] for i in self._numbers]
        self._seed = seed
        self._sizes: list[int] = []
        self._latest: tuple[int, list[list[list[int]]]] = (-1, [])

    def steps(self, passes: int) -> int:
        """How many batches so many passes make."""
        return sum(self._size(number) for number in range(passes))

    def seen(self, steps: int) -> list[int]:
        """Which of the samples, by their places in what was given, so many steps show."""
        if steps >= self.steps(1):
            return list(self._numbers)
        rows = (row for batch in self._pass(0)[:steps] for row in batch)
        return sorted(self._numbers[i] for row in rows for i in row)

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step, counted from 0, over as many passes as it takes."""
        if not self._samples:
            raise IndexError("there is nothing to learn from")
        number = 0
        while step >= self._size(number):
            step -= self._size(number)
            number += 1
        rows = self._pass(number)[step]
        return _make_batch([[self._samples[i] for i in row] for row in rows])

    def _size(self, number: int) -> int:
        while len(self._sizes) <= number:
            self._sizes.append(len(self._pass(len(self._sizes))))
        return self._sizes[number]

    def _pass(self, number: int) -> list[list[list[int]]]:
        """A pass as batches of rows of sample numbers."""
        if self._latest[0] != number:
            self._latest = (number, self._pack_pass(np.random.default_rng([self._seed, number])))
        return self._latest[1]

    def _pack_pass(self, random: np.random.Generator) -> list[list[list[int]]]:
        order = random.permutation(len(self._samples)).tolist()
        sizes = [len(sample.tokens) - 1 for sample in self._samples]
        batches: list[list[list[int]]] = []
        for length in ROW_LENGTHS:
            members = [i for i in order if row_length(sizes[i]) == length]
            rows = pack(members, sizes, length)
            per_batch = BATCH_POSITIONS // length
            batches += [rows[i : i + per_batch] for i in range(0, len(rows), per_batch)]
        return [batches[i] for i in random.permutation(len(batches)).tolist()]


def row_length(size: int) -> int:
    """The shortest row that a sample of `size` positions fits in."""
    return next((length for length in ROW_LENGTHS if size <= length), ROW_LENGTHS[-1])


def pack(order: Sequence[int], sizes: Sequence[int], length: int) -> list[list[int]]:
    """Put samples, in this order, each into the first of the open rows that has room for it.

    Only the last few rows stay open, so that packing takes linear time.
    """
    rows: list[list[int]] = []
    room: list[int] = []
    for index in order:
        need = min(sizes[index], length)
        for candidate in range(max(0, len(rows) - _OPEN_ROWS), len(rows)):
            if room[candidate] >= need:
                rows[candidate].append(index)
                room[candidate] -= need
                break
        else:
            rows.append([index])
            room.append(length - need)
    return rows


def _make_batch(rows: Sequence[Sequence[TokenisedSample]]) -> Batch:
    length = row_length(max(len(sample.tokens) - 1 for row in rows for sample in row))
    height = BATCH_POSITIONS // length
    inputs = np.zeros((height, length), np.int32)
    owner = np.zeros((height, length), np.int32)
    positions: list[NDArray[np.int32]] = []
    targets: list[NDArray[np.int32]] = []
    for row, members in enumerate(rows):
        at = 0
        for number, sample in enumerate(members, start=1):
            size = len(sample.tokens) - 1
            inputs[row, at : at + size] = sample.tokens[:-1]
            owner[row, at : at + size] = number
            first = max(sample.prompt_length, 1) - 1
            start = row * length + at
            positions.append(np.arange(start + first, start + size, dtype=np.int32))
            targets.append(sample.tokens[first + 1 :])
            at += size
    mask = (owner[:, None, :, None] == owner[:, None, None, :]) & np.tri(length, dtype=bool)
    return _padded(inputs, mask, np.concatenate(positions), np.concatenate(targets))


def _padded(
    inputs: NDArray[np.int32],
    mask: NDArray[np.bool_],
    positions: NDArray[np.int32],
    targets: NDArray[np.int32],
) -> Batch:
    """Round the number of targets up, so that it takes few values and few shapes are compiled."""
    count = len(targets)
    padding = (0, -count % _TARGET_STEP)
    return Batch(
        inputs=mx.array(inputs),
        mask=mx.array(mask),
        positions=mx.array(np.pad(positions, padding)),
        targets=mx.array(np.pad(targets, padding)),
        learned=mx.array(np.pad(np.ones(count, np.float32), padding)),
        tokens=count,
    )
