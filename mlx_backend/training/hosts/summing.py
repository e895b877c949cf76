"""Sharing a batch out, and adding up what each machine made of its share."""

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


def shares(parts: Sequence[_T], size: int) -> list[list[_T]]:
    """Who computes what, by rank; where there are fewer parts than machines, some get none."""
    return [list(parts[rank::size]) for rank in range(size)]


def nothing_learned(parameters: Gradients) -> tuple[mx.array, Gradients]:
    """The loss and the gradients of no targets at all."""
    return mx.array(0.0), tree_map(mx.zeros_like, parameters)


def sum_over_all(group: Group, total: mx.array, gradients: Gradients) -> tuple[mx.array, Gradients]:
    """Add up losses and gradients of all machines, in one go: each go takes its time.

    Raises OvernightError when a machine is lost.
    """
    mx.eval(total, gradients)  # a fault here is not one of the connection
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
