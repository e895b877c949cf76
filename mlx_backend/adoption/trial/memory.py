"""How much memory a model takes here once it is loaded, from its files' headers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import psutil

from mlx_backend.library.weight_headers import Tensor, read_header
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.models.hub.wanted import is_weights

ALLOWANCE = 3 * 10**9
"""Bytes beside the weights: Python and its libraries, a training step, caches of the exam."""

_KEPT_FREE = 0.05  # of the machine's memory, for everything else
_USUAL_BITS = 4
_PACKED = frozenset({"U32"})
_FLOAT32 = {"F64": 0.5, "F32": 1.0, "F16": 2.0, "BF16": 2.0}


def weights_in_memory(folder: Path) -> int:
    """The bytes of a model's weights as `load_base_model` loads them, rather too many than too few.

    Raises ValueError or OSError for a folder whose files are not what they say.
    """
    tensors = [
        tensor
        for file in folder.iterdir()
        if is_weights(file.name) and file.is_file()
        for tensor in read_header(file).values()
    ]
    if has_gpu():
        return sum(tensor.end - tensor.begin for tensor in tensors)
    growth = 32 / _fewest_bits(msgspec.json.decode((folder / "config.json").read_bytes()))
    return int(sum(_as_float32(tensor, growth) for tensor in tensors))


def limit_for(weights: int) -> int:
    """The most bytes that a trial of a model with such weights may take.

    Half of the weights again, because they are in memory twice while they are converted, and the
    allowance; but never more than is free.
    """
    memory = psutil.virtual_memory()
    return min(
        weights + weights // 2 + ALLOWANCE, int(memory.available - _KEPT_FREE * memory.total)
    )


def _as_float32(tensor: Tensor, growth: float) -> float:
    size = tensor.end - tensor.begin
    return size * (growth if tensor.dtype in _PACKED else _FLOAT32.get(tensor.dtype, 4.0))


def _fewest_bits(config: Any) -> int:
    """The fewest bits of a quantised weight that a configuration names anywhere."""
    found = list(_bits(config))
    return min(found, default=_USUAL_BITS)


def _bits(value: Any) -> list[int]:
    if not isinstance(value, dict):
        return []
    own = value.get("bits")
    inner = [bits for each in value.values() for bits in _bits(each)]
    return [own, *inner] if isinstance(own, int) and 2 <= own <= 8 else inner
