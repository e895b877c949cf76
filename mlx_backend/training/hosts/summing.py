"""Splitting a batch among machines, and summing their losses and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import mlx.core as mx
import numpy as np
from mlx.utils import tree_map, tree_map_with_path

from mlx_backend.machine.arrays import flatten
from mlx_backend.training.hosts.group import Group
from mlx_backend.training.step import Gradients

_T = TypeVar("_T")


def split_parts(parts: Sequence[_T], size: int) -> list[list[_T]]:
    """The parts of each of `size` machines, by rank; with fewer parts, some machines get none."""
    return [list(parts[rank::size]) for rank in range(size)]


def zero_gradients(parameters: Gradients) -> tuple[mx.array, Gradients]:
    """The loss and the gradients of a machine without parts: zeros in the parameters' shapes."""
    return mx.array(0.0), tree_map(mx.zeros_like, parameters)


def sum_over_all(group: Group, total: mx.array, gradients: Gradients) -> tuple[mx.array, Gradients]:
    """The sums of the loss and of each gradient over all machines.

    All arrays go as one float32 vector, because each all-reduce takes a time of its own.
    Raises OvernightError when a machine is lost.
    """
    mx.eval(total, gradients)  # so that an error of the computation is not taken for a lost machine
    named = flatten(gradients)
    vector = mx.concatenate(
        [array.astype(mx.float32).reshape(-1) for array in (total, *named.values())]
    )
    ends = np.cumsum([1, *(array.size for array in named.values())]).tolist()
    total, *pieces = mx.split(group.sum(vector), ends[:-1])
    found = dict(zip(named, pieces, strict=True))
    return total.reshape(()), tree_map_with_path(
        lambda name, array: found[name].reshape(array.shape).astype(array.dtype), gradients
    )
