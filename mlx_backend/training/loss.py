"""The loss of a packed batch: attention inside each sample, logits for learned positions alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import mlx.core as mx
import mlx.nn as nn

from mlx_backend import cpu_math
from mlx_backend.accelerator import has_gpu

_Head = Callable[[mx.array], mx.array]

# Targets whose logits are there at once. MLX's CPU build takes memory for some ten operations
# ahead, so that what counts is how much one of them takes.
_CHUNK = 32


class BatchArrays(NamedTuple):
    """The arrays of `batches.Batch`, as a compiled function takes them."""

    inputs: mx.array
    mask: mx.array
    positions: mx.array
    targets: mx.array
    learned: mx.array


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


def target_losses(model: nn.Module, batch: BatchArrays, split: bool) -> mx.array:
    """The cross-entropy (nats) of each target, (targets,); 0 where it is padding.

    With `split` the head sees the positions with a target alone, a chunk at a time, and the
    logits of a chunk are gone before the next: most of a small model's time and memory is there.
    """
    cache = [RowAttention(batch.mask)] * len(model.layers)
    if not split:
        logits: mx.array = model(batch.inputs, cache=cache)
        chosen = logits.reshape(-1, logits.shape[-1])[batch.positions].astype(mx.float32)
        return _cross_entropy()(chosen, batch.targets) * batch.learned
    hidden: mx.array = model.model(batch.inputs, cache=cache)
    chosen = hidden.reshape(-1, hidden.shape[-1])[batch.positions]
    losses = _chunked_cross_entropy(_head(model), batch.targets)(chosen)
    return losses * batch.learned


def _chunked_cross_entropy(head: _Head, targets: mx.array) -> Callable[[mx.array], mx.array]:
    """From hidden states (targets, width) to losses (targets,), for a head that is not trained.

    The forward pass computes the gradient by the hidden states along with the loss, while the
    logits of the chunk are there; the backward pass only scales it.
    """

    @mx.custom_function
    def losses_and_gradients(hidden: mx.array) -> tuple[mx.array, mx.array]:
        starts = range(0, targets.size, _CHUNK)
        parts = [_chunk(head, hidden[i : i + _CHUNK], targets[i : i + _CHUNK]) for i in starts]
        losses, gradients = zip(*parts, strict=True)
        return mx.concatenate(list(losses)), mx.concatenate(list(gradients))

    @losses_and_gradients.vjp
    def _scaled(
        _: mx.array, cotangents: tuple[mx.array, mx.array], outputs: tuple[mx.array, mx.array]
    ) -> mx.array:
        return outputs[1] * cotangents[0][:, None].astype(outputs[1].dtype)

    def losses(hidden: mx.array) -> mx.array:
        outputs: Any = losses_and_gradients(hidden)
        return cast(mx.array, outputs[0])

    return losses


def _chunk(head: _Head, hidden: mx.array, targets: mx.array) -> tuple[mx.array, mx.array]:
    logits = head(hidden)
    losses, slope = _losses_and_slope(logits.astype(mx.float32), targets)
    # The product with the head's weights, whatever form they have; its forward is not computed.
    _, (gradient,) = mx.vjp(head, [hidden], [slope.astype(logits.dtype)])
    # Whoever asks for the gradient gets the losses too, and the logits need not be kept for them.
    gradient, losses = mx.depends([gradient, losses], [losses])
    return losses, gradient


def _losses_and_slope(logits: mx.array, targets: mx.array) -> tuple[mx.array, mx.array]:
    """Cross-entropy and its derivative by the logits: softmax less one at the target."""
    exp = mx.exp if has_gpu() else cpu_math.exp
    shifted = logits - logits.max(axis=-1, keepdims=True)
    weights = exp(shifted)
    total = weights.sum(axis=-1, keepdims=True)
    index = targets[:, None]
    losses = mx.log(total) - mx.take_along_axis(shifted, index, axis=-1)
    share = weights * (1 / total)
    at_target = mx.take_along_axis(share, index, axis=-1) - 1
    return losses.squeeze(-1), mx.put_along_axis(share, index, at_target, axis=-1)


def _cross_entropy() -> Callable[[mx.array, mx.array], mx.array]:
    if not has_gpu():
        return cpu_math.cross_entropy
    return nn.losses.cross_entropy


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
