"""The loss of a packed batch: attention inside each sample, logits for learned positions alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from mlx_backend import cpu_math
from mlx_backend.accelerator import has_gpu

_Head = Callable[[mx.array], mx.array]


class RowAttention:
    """Stands where mlx-lm's models take a key-value cache, only to give them the row's own mask."""

    offset = 0

    def __init__(self, mask: mx.array) -> None:
        self._mask = mask

    def make_mask(self, *_: Any, **__: Any) -> mx.array:
        """The mask, whatever window or length the model asks for."""
        return self._mask

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Keys and values as they are: nothing is kept from one step to the next."""
        return keys, values


def target_logits(
    model: nn.Module, inputs: mx.array, mask: mx.array, positions: mx.array, split: bool
) -> mx.array:
    """Logits (targets, vocabulary) at `positions`, which count over all rows of `inputs`.

    With `split` the head sees those positions alone, which saves most of its time and memory.
    """
    cache = [RowAttention(mask)] * len(model.layers)
    if not split:
        logits: mx.array = model(inputs, cache=cache)
        return logits.reshape(-1, logits.shape[-1])[positions]
    hidden: mx.array = model.model(inputs, cache=cache)
    return _head(model)(hidden.reshape(-1, hidden.shape[-1])[positions])


def mean_loss(logits: mx.array, targets: mx.array, learned: mx.array) -> mx.array:
    """Mean cross-entropy (nats) over the targets where `learned` is 1."""
    cross_entropy = nn.losses.cross_entropy if has_gpu() else cpu_math.cross_entropy
    losses = cross_entropy(logits.astype(mx.float32), targets)
    return (losses * learned).sum() / learned.sum()


def head_can_be_split(model: nn.Module) -> bool:
    """Whether `model` is nothing but its body and a linear head, asked by trying it.

    Some architectures scale or cap their logits in between; those take the whole way.
    """
    if not hasattr(model, "model") or not callable(getattr(model, "model", None)):
        return False
    probe = mx.arange(4)[None]
    try:
        whole = model(probe)
        parts = _head(model)(model.model(probe))
    except (AttributeError, TypeError, ValueError):
        return False
    return parts.shape == whole.shape and bool(mx.allclose(parts, whole, rtol=1e-4, atol=1e-4))


def _head(model: nn.Module) -> _Head:
    if "lm_head" in model:
        return model.lm_head  # type: ignore[no-any-return]
    return model.model.embed_tokens.as_linear  # type: ignore[no-any-return]
