"""Typed wrappers of MLX functions that return a union: named arrays and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten


def load_tensors(path: Path) -> dict[str, mx.array]:
    """The arrays of a safetensors file. Raises RuntimeError when it is not one."""
    tensors = mx.load(str(path), format="safetensors")
    if not isinstance(tensors, dict):
        raise TypeError(f"{path} contains no named arrays")
    return tensors


def flatten(tree: Mapping[str, Any]) -> dict[str, mx.array]:
    """The arrays of a tree, such as parameters or optimizer state, by dotted names."""
    return dict(tree_flatten(tree))


def number(array: mx.array) -> float:
    """The value of an array of one element."""
    value: Any = array.item()
    return float(value)


def whole_numbers(array: mx.array) -> list[int]:
    """The values of a flat array of whole numbers or truth values."""
    values: Any = array.tolist()
    return [int(value) for value in values]


def largest_difference(one: mx.array, other: mx.array) -> float:
    """The largest absolute difference of two arrays in float32; NaN if either contains NaN."""
    return number(mx.abs(one.astype(mx.float32) - other.astype(mx.float32)).max())


def rounding_of(dtype: mx.Dtype) -> float:
    """How far the outputs of two ways of computing the same network may differ, relatively.

    In 16 bits each operation rounds, and other orders of them round otherwise: 1e-3 for float32,
    1e-2 for float16, and 4e-2 for bfloat16, which has 8 bits of precision.
    """
    return {mx.bfloat16: 4e-2, mx.float16: 1e-2}.get(dtype, 1e-3)
