"""Caches of long prompts in 8 bits, on a GPU: half of the memory, and about as exact as 16 bits.

On a CPU, where products with quantised matrices are slow, and for layers that mlx-lm cannot
quantise, caches stay as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import mlx.nn as nn
from mlx_lm.models import base
from mlx_lm.models.cache import KVCache

from mlx_backend.machine.accelerator import has_gpu

LONG = 8192
"""Tokens. Shorter prompts take little memory, and are read faster as they are."""

_BITS, _GROUP = 8, 64


def made_small(model: nn.Module, layers: Sequence[Any], on_gpu: bool | None = None) -> list[Any]:
    """Caches with those of long prompts quantised, where model and machine can use them so.

    on_gpu: whether the model computes on a GPU; None: as this machine does.
    """
    wanted = has_gpu() if on_gpu is None else on_gpu
    if not wanted or not all(_is_long(each) for each in layers) or not _can_use(model):
        return list(layers)
    return [each.to_quantized(group_size=_GROUP, bits=_BITS) for each in layers]


def _is_long(layer: Any) -> bool:
    return (
        type(layer) is KVCache
        and layer.offset >= LONG
        and layer.keys.shape[-1] % _GROUP == 0
        and layer.values.shape[-1] % _GROUP == 0
    )


def _can_use(model: nn.Module) -> bool:
    """Whether the model's attention is mlx-lm's own function, which knows quantised caches."""
    module = sys.modules[type(model).__module__]
    attention = getattr(module, "scaled_dot_product_attention", None)
    return attention is base.scaled_dot_product_attention
