"""MLX's loosely typed returns made definite: what we load and flatten is named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten


def load_tensors(path: Path) -> dict[str, mx.array]:
    """The arrays of a safetensors file. Raises RuntimeError when it is no such file."""
    tensors = mx.load(str(path), format="safetensors")
    if not isinstance(tensors, dict):
        raise TypeError(f"{path} holds no named arrays")
    return tensors


def flatten(tree: Mapping[str, Any]) -> dict[str, mx.array]:
    """A tree of parameters or optimizer state as dotted names and arrays."""
    return dict(tree_flatten(tree))


def number(array: mx.array) -> float:
    """The value of an array of one element."""
    value: Any = array.item()
    return float(value)


def largest_difference(one: mx.array, other: mx.array) -> float:
    """The largest absolute difference of two arrays of logits; NaN where either has one."""
    return number(mx.abs(one.astype(mx.float32) - other.astype(mx.float32)).max())
