"""Small helpers over arrays and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from numpy.typing import NDArray

from mlx_backend.machine.arrays import flatten


def numpy(array: mx.array) -> NDArray[np.float32]:
    """An array for NumPy."""
    return np.array(array)


def bits(arrays: Mapping[str, mx.array]) -> dict[str, bytes]:
    """The exact bits of arrays by name."""
    return {name: numpy(array).tobytes() for name, array in arrays.items()}


def snapshot(model: nn.Module) -> dict[str, bytes]:
    """The exact bits of all parameters of a model."""
    return bits(flatten(model.parameters()))


def logits(model: nn.Module, ids: Sequence[int]) -> NDArray[np.float32]:
    """The logits (tokens, vocabulary) of one row of tokens."""
    return numpy(model(mx.array([list(ids)]))[0].astype(mx.float32))


def largest_difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The largest absolute difference."""
    return float(np.abs(one - other).max())


def relative_error(value: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """The length of the difference as a share of the truth's."""
    return float(np.linalg.norm(value - truth) / np.linalg.norm(truth))
