"""The loss of a packed batch: KL divergence from soft targets, with logits for targets only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_unflatten
from mlx_lm.tuner.lora import LoRAEmbedding

from mlx_backend.machine import cpu_math
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.machine.arrays import flatten, rounding_of
from mlx_backend.models.architecture import Parts, parts_of

_Head = Callable[[mx.array], mx.array]

# Targets whose logits are in memory at once. MLX's CPU build allocates memory for about ten
# operations ahead, so the memory of a single operation has to be small.
_CHUNK = 32
# A smaller probability is a rounding error.
_LEAST = 1e-6


class BatchArrays(NamedTuple):
    """The arrays of `batch_arrays.Batch`, in the order in which compiled functions take them."""

    inputs: mx.array
    mask: mx.array
    positions: mx.array
    targets: mx.array
    probabilities: mx.array
    learned: mx.array
    temperatures: mx.array

    @property
    def wanted(self) -> tuple[mx.array, ...]:
        """What each target is to be: tokens, probabilities, and temperatures unless all are 1."""
        bare = (self.targets, self.probabilities)
        return (*bare, self.temperatures) if self.temperatures.size else bare


class RowAttention:
    """Passed to mlx-lm's models as key-value cache, only to give them the mask of packed rows."""

    offset = 0

    def __init__(self, mask: mx.array) -> None:
        self._mask = mask

    def make_mask(self, *_: Any, window_size: int | None = None, **__: Any) -> mx.array:
        """The mask of the packed rows, within the window that the model asks for."""
        length = self._mask.shape[-1]
        if window_size is None or window_size >= length:
            return self._mask
        places = mx.arange(length)
        return self._mask & (places[:, None] < places[None] + window_size)

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        """Keys and values unchanged: nothing is cached."""
        return keys, values


def target_losses(model: nn.Module, batch: BatchArrays, parts: Parts | None) -> mx.array:
    """The KL divergence (nats) of each prediction from its target, (targets,); 0 for padding.

    For a target that is one token with probability 1 this is the cross-entropy. All tokens that a
    soft target does not name count as one token. A target of a temperature T is compared with
    softmax(logits / T), and the divergence multiplied by T squared, so that the gradient keeps its
    size (Hinton et al., arXiv 1503.02531, section 2).

    With the `parts` that `split_head` finds, the head computes logits for target positions only,
    one chunk at a time, and the logits of a chunk are freed before the next: they take most of a
    small model's time and memory. Rows of one sample have an empty mask: the model's own is right
    for them. The loss is computed in float32 whatever the model's dtype.
    """
    cache = {"cache": [RowAttention(batch.mask)] * len(model.layers)} if batch.mask.size else {}
    if parts is None:
        logits: mx.array = model(batch.inputs, **cache)
        chosen = logits.reshape(-1, logits.shape[-1])[batch.positions].astype(mx.float32)
        return _divergence(chosen, *batch.wanted) * batch.learned
    hidden = parts.body(batch.inputs, **cache)
    chosen = hidden.reshape(-1, hidden.shape[-1])[batch.positions]
    trained = flatten(parts.layer.trainable_parameters())
    if trained:
        divergence = _trained_divergence(parts, list(trained), batch.wanted)
    else:
        divergence = _chunked_divergence(parts.head, batch.wanted)
    return divergence(chosen, *trained.values()) * batch.learned


def _chunked_divergence(head: _Head, wanted: Sequence[mx.array]) -> Callable[..., mx.array]:
    """A function from hidden states (targets, hidden size) to losses (targets,); `head` is frozen.

    The forward pass also computes the gradient with respect to the hidden states, while the
    logits of a chunk are in memory; the backward pass only scales it.
    """

    @mx.custom_function
    def losses_and_gradients(hidden: mx.array) -> tuple[mx.array, mx.array]:
        starts = range(0, len(hidden), _CHUNK)
        parts = [
            _chunk(head, *(array[i : i + _CHUNK] for array in (hidden, *wanted))) for i in starts
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


def _trained_divergence(
    parts: Parts, names: Sequence[str], wanted: Sequence[mx.array]
) -> Callable[..., mx.array]:
    """The same for a head that is trained, because it is tied to embeddings with an adapter.

    The function takes the values of the trained parameters with these names, too. Their gradient is
    a sum over targets, each times its cotangent, which only the backward pass knows: that computes
    the logits again, chunk by chunk.
    """

    def head(hidden: mx.array, *values: mx.array) -> mx.array:
        before = parts.layer.trainable_parameters()
        parts.layer.update(tree_unflatten(list(zip(names, values, strict=True))))
        try:
            return parts.head(hidden)
        finally:
            parts.layer.update(before)

    def chunks(*arrays: mx.array) -> list[tuple[mx.array, ...]]:
        together = (*arrays, *wanted)
        starts = range(0, len(wanted[0]), _CHUNK)
        return [tuple(array[i : i + _CHUNK] for array in together) for i in starts]

    @mx.custom_function
    def losses(hidden: mx.array, *values: mx.array) -> mx.array:
        found = [
            _divergence_and_slope(head(chosen, *values).astype(mx.float32), *theirs)[0]
            for chosen, *theirs in chunks(hidden)
        ]
        return mx.concatenate(found)

    @losses.vjp
    def _again(
        primals: tuple[mx.array, ...], cotangent: mx.array, _: mx.array
    ) -> tuple[mx.array, ...]:
        hidden, *values = primals
        sums, gradients = [mx.zeros_like(value) for value in values], []
        for chosen, weights, *theirs in chunks(hidden, cotangent):
            logits = head(chosen, *values)
            _, slope = _divergence_and_slope(logits.astype(mx.float32), *theirs)
            slope = (slope * weights[:, None]).astype(logits.dtype)
            gradient, *more = mx.vjp(head, [chosen, *values], [slope])[1]
            sums = [total + each for total, each in zip(sums, more, strict=True)]
            # Computed along with the sums, so that the logits need not be kept for them.
            together: list[mx.array] = mx.depends([gradient], sums)
            gradients += together
        return mx.concatenate(gradients), *sums

    return cast(Callable[..., mx.array], losses)


def _chunk(head: _Head, hidden: mx.array, *wanted: mx.array) -> tuple[mx.array, mx.array]:
    logits = head(hidden)
    losses, slope = _divergence_and_slope(logits.astype(mx.float32), *wanted)
    # The product of slope and head weights, in whatever form they are stored; MLX is lazy, so the
    # head's forward pass is not computed again.
    _, (gradient,) = mx.vjp(head, [hidden], [slope.astype(logits.dtype)])
    # The losses are computed along with the gradient, so that the logits need not be kept for them.
    gradient, losses = mx.depends([gradient, losses], [losses])
    return losses, gradient


def _divergence_and_slope(
    logits: mx.array,
    targets: mx.array,
    probabilities: mx.array,
    temperatures: mx.array | None = None,
) -> tuple[mx.array, mx.array]:
    """The divergence, (targets,), and its derivative with respect to the logits.

    The derivative is predicted minus target probability, times the temperature. The rest of the
    target distribution goes to the tokens that are not named, in proportion to their predicted
    probabilities.
    """
    if temperatures is not None:
        warmth = temperatures[:, None]
        losses, slope = _divergence_and_slope(logits / warmth, targets, probabilities)
        return losses * mx.square(temperatures), slope * warmth
    exp = mx.exp if has_gpu() else cpu_math.exp
    shifted = logits - logits.max(axis=-1, keepdims=True)
    weights = exp(shifted)
    total = weights.sum(axis=-1, keepdims=True)
    predicted = weights * (1 / total)
    named = mx.take_along_axis(predicted, targets, axis=-1)
    predicted_rest, target_rest = _predicted_rest(named), _target_rest(probabilities)
    losses = _kl_divergence(
        mx.take_along_axis(shifted, targets, axis=-1) - mx.log(total),
        probabilities,
        predicted_rest,
        target_rest,
    )
    scale = target_rest / predicted_rest
    rows = mx.arange(len(targets))[:, None]
    slope = (predicted * (1 - scale)).at[rows, targets].add(named * scale - probabilities)
    return losses, slope


def _divergence(
    logits: mx.array,
    targets: mx.array,
    probabilities: mx.array,
    temperatures: mx.array | None = None,
) -> mx.array:
    """The same divergence in operations that MLX can differentiate, for all logits at once."""
    if temperatures is not None:
        losses = _divergence(logits / temperatures[:, None], targets, probabilities)
        return losses * mx.square(temperatures)
    total = cast(
        mx.array, mx.logsumexp(logits, axis=-1) if has_gpu() else cpu_math.logsumexp(logits)
    )
    log_predicted = mx.take_along_axis(logits, targets, axis=-1) - total[:, None]
    predicted_rest = _predicted_rest(mx.exp(log_predicted))
    return _kl_divergence(log_predicted, probabilities, predicted_rest, _target_rest(probabilities))


def _kl_divergence(
    log_predicted: mx.array,
    probabilities: mx.array,
    predicted_rest: mx.array,
    target_rest: mx.array,
) -> mx.array:
    """The KL divergence (nats), (targets,): of the named tokens and of the rest as one token."""
    log_probabilities = mx.log(mx.maximum(probabilities, _LEAST))
    named = (probabilities * (log_probabilities - log_predicted)).sum(axis=-1)
    others = target_rest * (mx.log(mx.maximum(target_rest, _LEAST)) - mx.log(predicted_rest))
    return named + others.squeeze(-1)


def _predicted_rest(named: mx.array) -> mx.array:
    """The predicted probability of all tokens that are not named, (targets, 1)."""
    return mx.maximum(1 - named.sum(axis=-1, keepdims=True), _LEAST)


def _target_rest(probabilities: mx.array) -> mx.array:
    """The target probability of all tokens that are not named, (targets, 1)."""
    rest = 1 - probabilities.sum(axis=-1, keepdims=True)
    return mx.where(rest > _LEAST, rest, 0.0)


def split_head(model: nn.Module) -> Parts | None:
    """The body and linear head that `model` is and nothing else, found out by trying; else None.

    Some architectures scale or cap their logits; their logits are computed as a whole. So are those
    of a trained head with dropout, which would drop other units when they are computed again.
    """
    candidates = [parts for parts in parts_of(model) if not _has_dropout(parts.layer)]
    if not candidates:
        return None
    probe = mx.arange(4)[None]
    try:
        whole = model(probe)
    except (AttributeError, TypeError, ValueError):
        return None
    return next((parts for parts in candidates if _are_whole(parts, probe, whole)), None)


def _has_dropout(layer: nn.Module) -> bool:
    return isinstance(layer, LoRAEmbedding) and layer.dropout._p_1 < 1


def _are_whole(parts: Parts, probe: mx.array, whole: mx.array) -> bool:
    try:
        logits = parts.head(parts.body(probe))
    except (AttributeError, TypeError, ValueError):
        return False
    close = rounding_of(whole.dtype) / 10
    ours, theirs = logits.astype(mx.float32), whole.astype(mx.float32)
    return ours.shape == theirs.shape and bool(mx.allclose(ours, theirs, rtol=close, atol=close))
