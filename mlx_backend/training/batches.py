"""Batches of rows, packed with samples that each attend only to themselves, or of one sample each.

Because rotary position embeddings are relative, a sample may begin anywhere in a row. Rows have one
of two lengths, so that short samples do not pay for the attention of long ones, and every batch has
the same number of positions, so that only few shapes are compiled. The batch of a step is a pure
function of seed, step, and what earlier looks found the model to know (`looks`), which checkpoints
record: this makes a resumed run exact.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlx_backend.training.batch_arrays import Batch, Targets, attention_mask, padded
from mlx_backend.training.looks import Look, copies, weights
from mlx_backend.training.packing import ROW_LENGTHS, alone, pack, row_length
from mlx_backend.training.tokenised import TokenisedSample

LENGTHS_ALONE = (32, 64, 128, *ROW_LENGTHS)
"""The lengths of rows with one sample each."""
BATCH_POSITIONS = 512

# Larger samples are packed first, which fills rows best. So that each pass is packed differently,
# a random part of each size, up to this one, is not counted.
_JITTER = 0.3


@dataclass(frozen=True)
class BatchShape:
    """The sizes of a batch, in token positions.

    positions: all rows of the batch together; at_once: rows that go through the model at once;
    longest_row: the longest row; packed: whether samples share rows.
    """

    positions: int = BATCH_POSITIONS
    at_once: int = BATCH_POSITIONS
    longest_row: int = ROW_LENGTHS[-1]
    packed: bool = True

    @property
    def row_lengths(self) -> tuple[int, ...]:
        """The lengths that rows may have, ascending."""
        lengths = ROW_LENGTHS if self.packed else LENGTHS_ALONE
        return tuple(length for length in lengths if length <= self.longest_row)


@dataclass(frozen=True)
class _Member:
    """A sample in a row: its number among all samples, and its wording in this pass."""

    number: int
    sample: TokenisedSample

    @property
    def size(self) -> int:
        """The number of positions that it takes up in a row."""
        return len(self.sample.tokens) - 1


_Rows = list[list[_Member]]


class _Pass(NamedTuple):
    """A pass over the samples: its number from 0, and the index of the look before; -1: none."""

    look: int
    number: int


class PackedBatches:
    """The batches of all passes over the samples, packed and shuffled anew for each pass.

    A batch is a tuple of parts; each part goes through the model at once. With each of `looks` a
    new pass begins, and those from there on contain what is known more rarely, what is not twice.
    """

    def __init__(
        self,
        samples: Sequence[TokenisedSample],
        seed: int,
        shape: BatchShape = BatchShape(),
        looks: Sequence[Look] = (),
    ) -> None:
        """Samples without targets are left out; at least one must have some."""
        self._samples = [(i, sample) for i, sample in enumerate(samples) if sample.targets]
        soft = [each.soft for each in samples if each.soft]
        self._width = max((each.tokens.shape[1] for each in soft), default=1)
        self._is_tempered = any(each.temperature != 1.0 for each in soft)
        self.all, self.seed, self.shape, self.looks = samples, seed, shape, tuple(looks)
        self._sizes: dict[_Pass, int] = {}
        self._latest: tuple[_Pass | None, list[_Rows]] = (None, [])

    def after(self, looks: Sequence[Look]) -> PackedBatches:
        """The same samples in the batches that they make after these looks."""
        if self.looks == tuple(looks):
            return self
        return PackedBatches(self.all, self.seed, self.shape, looks)

    def steps(self, passes: int) -> int:
        """The number of batches in this many passes."""
        counts = [look.passes for look in self.looks]
        look = bisect.bisect_right(counts, passes) - 1
        first, begun = self._begin(look)
        last = first + sum(self._size(_Pass(look, number)) for number in range(begun, passes))
        return min(last, self._end(look)) if look + 1 < len(self.looks) else last

    def passes_begun(self, steps: int) -> int:
        """How many passes the first `steps` steps have begun."""
        return self._pass_of(steps - 1)[0].number + 1 if self._samples and steps else 0

    def seen(self, steps: int, since: int = 0) -> list[int]:
        """The numbers of the samples in the first `steps` steps, without `since`, sorted."""
        found: set[int] = set()
        for numbers in self._shown(steps, since):
            found.update(numbers)
            if len(found) == len(self._samples):
                break
        return sorted(found)

    def showings(self, steps: int) -> Counter[int]:
        """How often the first `steps` steps show each sample, by its number."""
        return Counter(number for numbers in self._shown(steps, 0) for number in numbers)

    def _shown(self, steps: int, since: int) -> Iterator[list[int]]:
        """The numbers of the samples in the steps from `since` to before `steps`, pass by pass."""
        while since < steps and self._samples:
            which, first = self._pass_of(since)
            end = min(steps, first + self._size(which), self._end(which.look) or steps)
            batches = self._pass(which)[since - first : end - first]
            yield [member.number for rows in batches for row in rows for member in row]
            since = end

    def workloads(self) -> list[tuple[int, int, int]]:
        """For each batch of the first pass: row length, computed positions, number of targets."""
        return [self._workload(rows) for rows in self._pass(self._pass_of(0)[0])]

    def __getitem__(self, step: int) -> tuple[Batch, ...]:
        """The parts of the batch of a step, counted from 0 over all passes.

        Raises IndexError when no sample has targets.
        """
        if not self._samples:
            raise IndexError("no sample has anything to learn")
        which, first = self._pass_of(step)
        rows = self._pass(which)[step - first]
        height = self._height(self._length(rows))
        parts = (rows[i : i + height] for i in range(0, len(rows), height))
        return tuple(self._make_batch(part, height) for part in parts)

    def _pass_of(self, step: int) -> tuple[_Pass, int]:
        """The pass that a step is in, and the first step of that pass."""
        look = bisect.bisect_right([look.step for look in self.looks], step) - 1
        first, number = self._begin(look)
        while step - first >= (size := self._size(_Pass(look, number))) > 0:
            first, number = first + size, number + 1
        return _Pass(look, number), first

    def _begin(self, look: int) -> tuple[int, int]:
        """The step after a look, and the number of the pass that begins there; -1 is no look."""
        return (self.looks[look].step, self.looks[look].passes) if look >= 0 else (0, 0)

    def _end(self, look: int) -> int:
        """The step at which the next look is; 0 where there is none."""
        return self.looks[look + 1].step if look + 1 < len(self.looks) else 0

    def _size(self, which: _Pass) -> int:
        if which not in self._sizes:
            self._sizes[which] = len(self._pass(which))
        return self._sizes[which]

    def _pass(self, which: _Pass) -> list[_Rows]:
        """The batches of a pass, as rows of samples."""
        if self._latest[0] != which:
            random = np.random.default_rng([self.seed, which.number])
            self._latest = (which, self._pack_pass(self._members(which), random))
        return self._latest[1]

    def _members(self, which: _Pass) -> list[_Member]:
        """The samples of a pass in their wordings; one that comes twice has two of them."""
        once = [_Member(i, sample.wording(which.number)) for i, sample in self._samples]
        if which.look < 0 or not once:
            return once
        look = self.looks[which.look]
        own = [sample for _, sample in self._samples]
        weight = weights([s.fact for s in own], [len(s.tokens) for s in own], look)
        come = copies(weight, which.number - look.passes, [self.seed, look.step])
        again = [
            _Member(i, sample.wording(which.number + copy * (1 + len(sample.rewordings)) // 2))
            for (i, sample), number in zip(self._samples, come.tolist(), strict=True)
            for copy in range(number)
        ]
        return again or once  # a pass is never empty

    def _pack_pass(self, members: Sequence[_Member], random: np.random.Generator) -> list[_Rows]:
        sizes = np.array([member.size for member in members], np.int64)
        jittered = sizes * random.uniform(1 - _JITTER, 1, len(sizes))
        order = np.argsort(-jittered, kind="stable").tolist()
        packing = pack if self.shape.packed else alone
        packed = packing(order, sizes.tolist(), self.shape.row_lengths)
        batches: list[_Rows] = []
        for length in self.shape.row_lengths:
            order = random.permutation(len(packed[length])).tolist()
            rows = [[members[number] for number in packed[length][place]] for place in order]
            per_batch = max(1, self.shape.positions // length)
            batches += [rows[i : i + per_batch] for i in range(0, len(rows), per_batch)]
        return [batches[i] for i in random.permutation(len(batches)).tolist()]

    def _length(self, rows: _Rows) -> int:
        longest = max(member.size for row in rows for member in row)
        return row_length(longest, self.shape.row_lengths)

    def _height(self, length: int) -> int:
        return max(1, self.shape.at_once // length)

    def _workload(self, rows: _Rows) -> tuple[int, int, int]:
        length = self._length(rows)
        height = self._height(length)
        parts = -(-len(rows) // height)
        targets = sum(member.sample.targets for row in rows for member in row)
        return length, parts * height * length, targets

    def _make_batch(self, rows: _Rows, height: int) -> Batch:
        length = self._length(rows)
        inputs = np.zeros((height, length), np.int32)
        owner = np.zeros((height, length), np.int32)
        positions: list[NDArray[np.int32]] = []
        targets: list[Targets] = []
        samples: list[NDArray[np.int32]] = []
        for row, members in enumerate(rows):
            at = 0
            for place, member in enumerate(members, start=1):
                sample, size = member.sample, member.size
                inputs[row, at : at + size] = sample.tokens[:-1]
                owner[row, at : at + size] = place
                first = max(sample.prompt_length, 1) - 1
                start = row * length + at
                positions.append(np.arange(start + first, start + size, dtype=np.int32))
                targets.append(Targets.of(sample, self._width))
                samples.append(np.full(size - first, member.number, np.int32))
                at += size
        return padded(
            inputs,
            attention_mask(owner) if self.shape.packed else np.zeros(0, bool),
            np.concatenate(positions),
            Targets.joined(targets, self._is_tempered),
            np.concatenate(samples),
        )
