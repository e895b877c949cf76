"""The arrays of a batch: inputs, attention mask, and all targets in one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from mlx_backend.training.tokenised import TokenisedSample

# The number of targets of a batch is padded to a multiple of this.
_TARGET_STEP = 128
_NONE = np.zeros(0, np.float32)


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


def attention_mask(owner: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The mask of rows, (rows, 1, length, length), whose positions each have an owner.

    A position attends to those before it, and to itself, that belong to the same sample: `owner`
    has the number of each position's sample, (rows, length).
    """
    is_own: NDArray[np.bool_] = owner[:, None, :, None] == owner[:, None, None, :]
    mask: NDArray[np.bool_] = is_own & np.tri(owner.shape[1], dtype=bool)
    return mask


@dataclass(frozen=True)
class Targets:
    """Targets of samples in a batch, without padding, as `Batch` has them.

    tokens, probabilities: (targets, width). weights, temperatures: (targets,); the temperatures are
    empty where all are 1.
    """

    tokens: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    weights: NDArray[np.float32]
    temperatures: NDArray[np.float32]

    @classmethod
    def of(cls, sample: TokenisedSample, width: int) -> Targets:
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
    def joined(cls, several: Sequence[Targets], is_tempered: bool) -> Targets:
        """The targets of several samples one after the other."""
        return cls(
            np.concatenate([each.tokens for each in several]),
            np.concatenate([each.probabilities for each in several]),
            np.concatenate([each.weights for each in several]),
            np.concatenate([each.temperatures for each in several if is_tempered] or [_NONE]),
        )


def padded(
    inputs: NDArray[np.int32],
    mask: NDArray[np.bool_],
    positions: NDArray[np.int32],
    targets: Targets,
    samples: NDArray[np.int32],
) -> Batch:
    """A batch of these arrays, its targets padded so that only few shapes are compiled."""
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
