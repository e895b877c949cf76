"""One training step: loss, gradients and AdamW update, compiled once for each batch shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_map
from numpy.typing import NDArray

from mlx_backend.machine.arrays import flatten, number
from mlx_backend.machine.cores import CoreShare
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.loss import BatchArrays, split_head, target_losses
from mlx_backend.training.memory_saving import Recomputed, recompute

_WARM_UP_SHARE = 0.05
_FINAL_SHARE = 0.1
_LARGEST_NORM = 1.0

Gradients = dict[str, Any]


def learning_rate(step: int, steps: int, peak: float) -> float:
    """The rate of a step, counted from 0: linear warm-up to `peak`, cosine decay to a tenth."""
    warm_up = max(1, round(steps * _WARM_UP_SHARE))
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return peak * (_FINAL_SHARE + (1 - _FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * progress)))


@dataclass(frozen=True)
class PendingStep:
    """A step that is still being computed.

    loss: the mean of `target_losses` before the update, in nats per token only where no target has
    a weight or temperature other than 1; norm: the gradient's L2 norm; scalars.
    """

    loss: mx.array
    norm: mx.array

    def result(self) -> tuple[float, bool]:
        """Wait for the step; its loss, and whether loss and gradient were finite."""
        loss, norm = number(self.loss), number(self.norm)
        return loss, math.isfinite(loss) and math.isfinite(norm)


class TrainingStep:
    """A model with its AdamW optimizer; each step changes the trainable parameters in place."""

    def __init__(self, model: nn.Module, recomputed: Recomputed = "nothing") -> None:
        self.model = model
        model.eval()  # with dropout, split_head could not compare two passes
        self._parts = split_head(model)
        recompute(model, recomputed)
        self._cores = CoreShare()
        self.reset_optimizer()

    def begin(self, parts: Sequence[Batch], rate: float) -> PendingStep:
        """Start to update the parameters with the parts of one batch; returns without waiting.

        If the loss or the gradient is not finite, parameters and optimizer state stay as they are.
        """
        tokens = sum(part.tokens for part in parts)
        return self._learn(*self._sum([part_arrays(part) for part in parts]), tokens, rate)

    def _sum(self, parts: Sequence[Sequence[mx.array]]) -> tuple[mx.array, Gradients]:
        """The sum of the losses (nats) and of the gradients over all targets, part by part."""
        self._cores.adapt()
        self.model.train()
        total, gradients = self._gradients(*parts[0])
        mx.async_eval(total, gradients)  # in one graph with the update it would take more memory
        for part in parts[1:]:
            mx.eval(total, gradients)  # frees the memory of one part before the next
            more, further = self._gradients(*part)
            total, gradients = total + more, tree_map(mx.add, gradients, further)
        return total, gradients

    def _learn(
        self, total: mx.array, gradients: Gradients, tokens: int, rate: float
    ) -> PendingStep:
        """Update the parameters with losses and gradients that are sums over `tokens` targets."""
        self.optimizer.learning_rate = rate
        loss, norm = self._update(total, gradients, mx.array(float(tokens)))
        mx.async_eval(norm, loss, self._state)
        return PendingStep(loss, norm)

    def __call__(self, parts: Sequence[Batch], rate: float) -> float:
        """Update the parameters with one batch; returns the `loss` of its `PendingStep`."""
        return self.begin(parts, rate).result()[0]

    def losses(self, batch: Batch) -> NDArray[np.float32]:
        """The loss (nats) of each target without padding, (tokens,); no dropout, no update.

        Whatever the weights of the targets, so that losses are comparable.
        """
        self.model.eval()
        arrays = BatchArrays(*part_arrays(batch))
        equal = (arrays.learned > 0).astype(mx.float32)
        return np.array(self._losses(*arrays._replace(learned=equal)))[: batch.tokens]

    def reset_optimizer(self) -> None:
        """Start with a new optimizer state; the parameters stay."""
        # A new optimizer: init() alone keeps the step count that Adam's bias correction uses.
        self.optimizer = optimizers.AdamW(learning_rate=0.0, weight_decay=0.0, bias_correction=True)
        self.optimizer.init(self.model.trainable_parameters())
        self._compile()

    def set_optimizer_state(self, state: dict[str, Any]) -> None:
        """Continue from a saved optimizer state, a tree of arrays."""
        self.optimizer.state = state
        self.optimizer.init(self.model.trainable_parameters())  # adds branches without leaves
        self._compile()

    def _compile(self) -> None:
        model, optimizer, parts = self.model, self.optimizer, self._parts
        state = [model.state, optimizer.state]
        drawing = [model.state, mx.random.state]  # the random state is for dropout

        def losses_of(model: nn.Module, *arrays: mx.array) -> mx.array:
            return target_losses(model, BatchArrays(*arrays), parts)

        def total_of(model: nn.Module, *arrays: mx.array) -> mx.array:
            return losses_of(model, *arrays).sum()

        value_and_gradient = nn.value_and_grad(model, total_of)

        def gradients(*arrays: mx.array) -> tuple[mx.array, Gradients]:
            total, gradient = value_and_gradient(model, *arrays)
            return total, gradient

        self._gradients: Callable[..., tuple[mx.array, Gradients]] = partial(
            mx.compile, inputs=drawing, outputs=drawing
        )(gradients)
        self._update: Callable[..., tuple[mx.array, mx.array]] = partial(
            mx.compile, inputs=state, outputs=state
        )(_update_of(model, optimizer))
        self._losses: Callable[..., mx.array] = partial(mx.compile, inputs=[model.state])(
            partial(losses_of, model)
        )
        self._state = [*state, mx.random.state]


def _update_of(
    model: nn.Module, optimizer: optimizers.Optimizer
) -> Callable[[mx.array, Gradients, mx.array], tuple[mx.array, mx.array]]:
    """A function that updates `model` with sums over a number of targets.

    It takes the sum of the losses, that of the gradients, and the number of targets; it returns the
    mean loss and the norm of the mean gradient, which is clipped to a norm of 1 for the update.
    """

    def update(total: mx.array, gradient: Gradients, count: mx.array) -> tuple[mx.array, mx.array]:
        norm = _norm(gradient) / count
        factor = mx.minimum(_LARGEST_NORM / (norm + 1e-6), 1.0) / count
        clipped = tree_map(lambda g: g * factor, gradient)
        before = _copy(optimizer.state), model.trainable_parameters()
        optimizer.update(model, clipped)
        _keep_unless(mx.isfinite(total) & mx.isfinite(norm), model, optimizer, *before)
        return total / count, norm

    return update


def _norm(gradient: Gradients) -> mx.array:
    """The L2 norm of all gradients together, summed from the last layer to the first.

    MLX evaluates in the order of the graph. In this order each layer's gradients are computed
    during the backward pass; otherwise what they are computed from would be kept until the end.
    """
    squares = [mx.square(array).sum() for _, array in reversed(flatten(gradient).items())]
    return mx.sqrt(sum(squares[1:], squares[0]))


def _keep_unless(
    good: mx.array,
    model: nn.Module,
    optimizer: optimizers.Optimizer,
    old_state: dict[str, Any],
    old_parameters: dict[str, Any],
) -> None:
    """Unless `good` (a boolean array) is true, restore parameters and optimizer state."""

    def choose(new: mx.array, old: mx.array) -> mx.array:
        return mx.where(good, new, old)

    model.update(tree_map(choose, model.trainable_parameters(), old_parameters))
    _assign(optimizer.state, tree_map(choose, optimizer.state, old_state))


def _copy(tree: dict[str, Any]) -> dict[str, Any]:
    """A new tree of the same arrays."""
    copy: dict[str, Any] = tree_map(lambda array: array, tree)
    return copy


def _assign(tree: Any, values: Any) -> None:
    """Replace the leaves of a tree in place, because compiled functions hold on to the tree."""
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        if isinstance(value, dict | list):
            _assign(tree[key], value)
        else:
            tree[key] = value


def part_arrays(batch: Batch) -> tuple[mx.array, ...]:
    """The arrays of a batch in the order of `loss.BatchArrays`."""
    return (
        batch.inputs,
        batch.mask,
        batch.positions,
        batch.targets,
        batch.probabilities,
        batch.learned,
        batch.temperatures,
    )
