"""The loss of a packed batch: attention inside each sample, logits for learned positions alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import mlx.core as mx
import mlx.nn as nn

from mlx_backend.machine import cpu_math
from mlx_backend.machine.accelerator import has_gpu

_Head = Callable[[mx.array], mx.array]

# Targets whose logits are there at once. MLX's CPU build takes memory for some ten operations
# ahead, so that what counts is how much one of them takes.
_CHUNK = 32
# Shares below are rounding.
_LEAST = 1e-6


class BatchArrays(NamedTuple):
    """The arrays of `batches.Batch`, as a compiled function takes them."""

    inputs: mx.array
    mask: mx.array
    positions: mx.array
    targets: mx.array
    shares: mx.array
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
    """How far (nats) each prediction is from its target, (targets,); 0 where it is padding.

    It is the Kullback-Leibler divergence of what is predicted from what is to be, and where that is
    one token alone, the cross-entropy. The tokens that a target does not name count as one.

    With `split` the head sees the positions with a target alone, a chunk at a time, and the
    logits of a chunk are gone before the next: most of a small model's time and memory is there.
    """
    cache = [RowAttention(batch.mask)] * len(model.layers)
    if not split:
        logits: mx.array = model(batch.inputs, cache=cache)
        chosen = logits.reshape(-1, logits.shape[-1])[batch.positions].astype(mx.float32)
        return _divergence(chosen, batch.targets, batch.shares) * batch.learned
    hidden: mx.array = model.model(batch.inputs, cache=cache)
    chosen = hidden.reshape(-1, hidden.shape[-1])[batch.positions]
    losses = _chunked_divergence(_head(model), batch.targets, batch.shares)(chosen)
    return losses * batch.learned


def _chunked_divergence(
    head: _Head, targets: mx.array, shares: mx.array
) -> Callable[[mx.array], mx.array]:
    """From hidden states (targets, width) to losses (targets,), for a head that is not trained.

    The forward pass computes the gradient by the hidden states along with the loss, while the
    logits of the chunk are there; the backward pass only scales it.
    """

    @mx.custom_function
    def losses_and_gradients(hidden: mx.array) -> tuple[mx.array, mx.array]:
        starts = range(0, len(targets), _CHUNK)
        parts = [
            _chunk(head, *(array[i : i + _CHUNK] for array in (hidden, targets, shares)))
            for i in starts
        ]
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


def _chunk(
    head: _Head, hidden: mx.array, targets: mx.array, shares: mx.array
) -> tuple[mx.array, mx.array]:
    logits = head(hidden)
    losses, slope = _divergence_and_slope(logits.astype(mx.float32), targets, shares)
    # The product with the head's weights, whatever form they have; its forward is not computed.
    _, (gradient,) = mx.vjp(head, [hidden], [slope.astype(logits.dtype)])
    # Whoever asks for the gradient gets the losses too, and the logits need not be kept for them.
    gradient, losses = mx.depends([gradient, losses], [losses])
    return losses, gradient


def _divergence_and_slope(
    logits: mx.array, targets: mx.array, shares: mx.array
) -> tuple[mx.array, mx.array]:
    """The divergence and its derivative by the logits: what is predicted less what is to be.

    Of the tokens that no target names, each is to have its part of what the shares leave.
    """
    exp = mx.exp if has_gpu() else cpu_math.exp
    shifted = logits - logits.max(axis=-1, keepdims=True)
    weights = exp(shifted)
    total = weights.sum(axis=-1, keepdims=True)
    predicted = weights * (1 / total)
    named = mx.take_along_axis(predicted, targets, axis=-1)
    left, left_to_be = _left(named), _left_to_be(shares)
    losses = _sum_of_divergences(
        mx.take_along_axis(shifted, targets, axis=-1) - mx.log(total), shares, left, left_to_be
    )
    others = left_to_be / left
    rows = mx.arange(len(targets))[:, None]
    slope = (predicted * (1 - others)).at[rows, targets].add(named * others - shares)
    return losses, slope


def _divergence(logits: mx.array, targets: mx.array, shares: mx.array) -> mx.array:
    """The same divergence of all logits at once, for MLX to take the derivative of."""
    total = cast(
        mx.array, mx.logsumexp(logits, axis=-1) if has_gpu() else cpu_math.logsumexp(logits)
    )
    log_predicted = mx.take_along_axis(logits, targets, axis=-1) - total[:, None]
    left = _left(mx.exp(log_predicted))
    return _sum_of_divergences(log_predicted, shares, left, _left_to_be(shares))


def _sum_of_divergences(
    log_predicted: mx.array, shares: mx.array, left: mx.array, left_to_be: mx.array
) -> mx.array:
    named = (shares * (mx.log(mx.maximum(shares, _LEAST)) - log_predicted)).sum(axis=-1)
    rest = left_to_be * (mx.log(mx.maximum(left_to_be, _LEAST)) - mx.log(left))
    return named + rest.squeeze(-1)


def _left(named: mx.array) -> mx.array:
    """What is predicted of all tokens that are not named, (targets, 1)."""
    return mx.maximum(1 - named.sum(axis=-1, keepdims=True), _LEAST)


def _left_to_be(shares: mx.array) -> mx.array:
    left = 1 - shares.sum(axis=-1, keepdims=True)
    return mx.where(left > _LEAST, left, 0.0)


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
