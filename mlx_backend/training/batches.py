"""Batches of rows, packed with samples that each attend only to themselves, or of one sample each.

Because rotary position embeddings are relative, a sample may begin anywhere in a row. Rows have one
of two lengths, so that short samples do not pay for the attention of long ones, and every batch has
the same number of positions, so that only few shapes are compiled. The batch of a step is a pure
function of seed and step: this makes a resumed run exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from mlx_backend.training.key_weights import key_weights
from mlx_backend.training.packing import alone, pack, row_length

ROW_LENGTHS = (256, 512)
LENGTHS_ALONE = (32, 64, 128, *ROW_LENGTHS)
"""The lengths of rows with one sample each."""
BATCH_POSITIONS = 512

# Larger samples are packed first, which fills rows best. So that each pass is packed differently,
# a random part of each size, up to this one, is not counted.
_JITTER = 0.3
# The number of targets of a batch is padded to a multiple of this.
_TARGET_STEP = 128
_NONE = np.zeros(0, np.float32)


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
class SoftTargets:
    """The distribution to be learned at each position: the likeliest tokens, their probabilities.

    tokens: ids, (positions, width), all different in a row. probabilities: (positions, width), at
    most 1 in sum; the rest up to 1 is the probability of all other tokens together. temperature:
    that of the distribution, at which the prediction is compared with it, too.
    """

    tokens: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    temperature: float = 1.0


@dataclass(frozen=True)
class TokenisedSample:
    """A sample's tokens; the first `prompt_length` of them are the prompt and not learned.

    The targets are the tokens themselves, or the soft targets `soft`, if given. `rewordings` are
    the same sample with other prompts, for the passes after the first. `is_cut` tells that the
    sample was longer than a row. `weights`: how much each target's loss counts, (targets,); None
    for 1 each.
    """

    tokens: NDArray[np.int32]
    prompt_length: int
    is_cut: bool = False
    soft: SoftTargets | None = None
    rewordings: tuple[TokenisedSample, ...] = ()
    weights: NDArray[np.float32] | None = None

    @classmethod
    def of(
        cls,
        ids: Sequence[int],
        prompt_length: int,
        longest_row: int = ROW_LENGTHS[-1],
        soft: SoftTargets | None = None,
    ) -> TokenisedSample:
        """A sample of these token ids. One that is too long for a row loses its end."""
        longest = longest_row + 1
        return cls(np.array(ids[:longest], np.int32), prompt_length, len(ids) > longest, soft)

    @property
    def targets(self) -> int:
        """The number of tokens that are learned."""
        return max(0, len(self.tokens) - max(1, self.prompt_length))

    def weighted(self, begin: int, end: int) -> TokenisedSample:
        """The same with more weight on some targets, in all wordings: those in [begin, end)."""
        return replace(
            self,
            weights=key_weights(self.targets, begin, end),
            rewordings=tuple(other.weighted(begin, end) for other in self.rewordings),
        )

    def wording(self, number: int) -> TokenisedSample:
        """The wording for a pass, counted from 0."""
        place = number % (1 + len(self.rewordings))
        return self.rewordings[place - 1] if place else self


@dataclass(frozen=True)
class Batch:
    """Rows of one length, with all targets in one list.

    inputs: token ids, (rows, length).
    mask: attention mask, (rows, 1, length, length), true where a position attends to another;
        empty where each row is one sample, for which every causal model has the right mask.
    positions: the positions of the targets, as indices into the flattened inputs, (targets,).
    targets, probabilities: soft targets, both (targets, width).
    learned: the weights of the targets, 1.0 unless their sample says otherwise; 0.0 for padding;
        (targets,).
    temperatures: those of the soft targets, (targets,); empty where all are 1.
    samples: the number of the sample that a target belongs to, (tokens,) without padding.
    """

    inputs: mx.array
    mask: mx.array
    positions: mx.array
    targets: mx.array
    probabilities: mx.array
    learned: mx.array
    temperatures: mx.array
    samples: NDArray[np.int32]

    @property
    def tokens(self) -> int:
        """The number of targets without padding."""
        return len(self.samples)


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


class PackedBatches:
    """The batches of all passes over the samples, packed and shuffled anew for each pass.

    A batch is a tuple of parts; each part goes through the model at once.
    """

    def __init__(
        self,
        samples: Sequence[TokenisedSample],
        seed: int,
        shape: BatchShape = BatchShape(),
    ) -> None:
        """Samples without targets are left out; at least one must have some."""
        self._samples = [(i, sample) for i, sample in enumerate(samples) if sample.targets]
        self._seed = seed
        self._shape = shape
        soft = [each.soft for each in samples if each.soft]
        self._width = max((each.tokens.shape[1] for each in soft), default=1)
        self._is_tempered = any(each.temperature != 1.0 for each in soft)
        self._sizes: list[int] = []
        self._latest: tuple[int, list[_Rows]] = (-1, [])

    def steps(self, passes: int) -> int:
        """The number of batches in this many passes."""
        return sum(self._size(number) for number in range(passes))

    def seen(self, steps: int) -> list[int]:
        """The numbers of the samples that the first `steps` steps contain, sorted."""
        if steps >= self.steps(1):
            return [number for number, _ in self._samples]
        rows = (row for batch in self._pass(0)[:steps] for row in batch)
        return sorted(member.number for row in rows for member in row)

    def workloads(self) -> list[tuple[int, int, int]]:
        """For each batch of the first pass: row length, computed positions, number of targets."""
        return [self._workload(rows) for rows in self._pass(0)]

    def __getitem__(self, step: int) -> tuple[Batch, ...]:
        """The parts of the batch of a step, counted from 0 over all passes.

        Raises IndexError when no sample has targets.
        """
        if not self._samples:
            raise IndexError("no sample has anything to learn")
        number = 0
        while step >= self._size(number):
            step -= self._size(number)
            number += 1
        rows = self._pass(number)[step]
        height = self._height(self._length(rows))
        parts = (rows[i : i + height] for i in range(0, len(rows), height))
        return tuple(self._make_batch(part, height) for part in parts)

    def _size(self, number: int) -> int:
        while len(self._sizes) <= number:
            self._sizes.append(len(self._pass(len(self._sizes))))
        return self._sizes[number]

    def _pass(self, number: int) -> list[_Rows]:
        """The batches of a pass, as rows of samples."""
        if self._latest[0] != number:
            members = [_Member(i, sample.wording(number)) for i, sample in self._samples]
            random = np.random.default_rng([self._seed, number])
            self._latest = (number, self._pack_pass(members, random))
        return self._latest[1]

    def _pack_pass(self, members: Sequence[_Member], random: np.random.Generator) -> list[_Rows]:
        sizes = np.array([member.size for member in members], np.int64)
        jittered = sizes * random.uniform(1 - _JITTER, 1, len(sizes))
        order = np.argsort(-jittered, kind="stable").tolist()
        packing = pack if self._shape.packed else alone
        packed = packing(order, sizes.tolist(), self._shape.row_lengths)
        batches: list[_Rows] = []
        for length in self._shape.row_lengths:
            order = random.permutation(len(packed[length])).tolist()
            rows = [[members[number] for number in packed[length][place]] for place in order]
            per_batch = max(1, self._shape.positions // length)
            batches += [rows[i : i + per_batch] for i in range(0, len(rows), per_batch)]
        return [batches[i] for i in random.permutation(len(batches)).tolist()]

    def _length(self, rows: _Rows) -> int:
        longest = max(member.size for row in rows for member in row)
        return row_length(longest, self._shape.row_lengths)

    def _height(self, length: int) -> int:
        return max(1, self._shape.at_once // length)

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
        targets: list[_Targets] = []
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
                targets.append(_Targets.of(sample, self._width))
                samples.append(np.full(size - first, member.number, np.int32))
                at += size
        return _padded(
            inputs,
            attention_mask(owner) if self._shape.packed else np.zeros(0, bool),
            np.concatenate(positions),
            _Targets.joined(targets, self._is_tempered),
            np.concatenate(samples),
        )


def attention_mask(owner: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The mask of rows, (rows, 1, length, length), whose positions each have an owner.

    A position attends to those before it, and to itself, that belong to the same sample: `owner`
    has the number of each position's sample, (rows, length).
    """
    is_own: NDArray[np.bool_] = owner[:, None, :, None] == owner[:, None, None, :]
    mask: NDArray[np.bool_] = is_own & np.tri(owner.shape[1], dtype=bool)
    return mask


@dataclass(frozen=True)
class _Targets:
    """Targets of samples in a batch, without padding, as `Batch` has them.

    tokens, probabilities: (targets, width). weights, temperatures: (targets,); the temperatures are
    empty where all are 1.
    """

    tokens: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    weights: NDArray[np.float32]
    temperatures: NDArray[np.float32]

    @classmethod
    def of(cls, sample: TokenisedSample, width: int) -> _Targets:
        """A sample's soft targets, or its tokens as targets of probability 1."""
        count, soft = sample.targets, sample.soft
        weights = np.ones(count, np.float32) if sample.weights is None else sample.weights[:count]
        if soft is not None:
            temperatures = np.full(count, soft.temperature, np.float32)
            return cls(soft.tokens[:count], soft.probabilities[:count], weights, temperatures)
        following = sample.tokens[len(sample.tokens) - count :]
        probabilities = np.zeros((count, width), np.float32)
        probabilities[:, 0] = 1.0
        tokens = np.repeat(following[:, None], width, axis=1)
        return cls(tokens, probabilities, weights, np.ones(count, np.float32))

    @classmethod
    def joined(cls, several: Sequence[_Targets], is_tempered: bool) -> _Targets:
        """The targets of several samples one after the other."""
        return cls(
            np.concatenate([each.tokens for each in several]),
            np.concatenate([each.probabilities for each in several]),
            np.concatenate([each.weights for each in several]),
            np.concatenate([each.temperatures for each in several if is_tempered] or [_NONE]),
        )


def _padded(
    inputs: NDArray[np.int32],
    mask: NDArray[np.bool_],
    positions: NDArray[np.int32],
    targets: _Targets,
    samples: NDArray[np.int32],
) -> Batch:
    """Pad the targets to a multiple of a step, so that only few shapes are compiled."""
    padding = (0, -len(positions) % _TARGET_STEP)
    warm = targets.temperatures
    return Batch(
        inputs=mx.array(inputs),
        mask=mx.array(mask),
        positions=mx.array(np.pad(positions, padding)),
        targets=mx.array(np.pad(targets.tokens, (padding, (0, 0)))),
        probabilities=mx.array(np.pad(targets.probabilities, (padding, (0, 0)))),
        learned=mx.array(np.pad(targets.weights, padding)),
        temperatures=mx.array(np.pad(warm, padding, constant_values=1.0) if len(warm) else warm),
        samples=samples,
    )
