"""One training step: loss, gradients and update, compiled once for each shape of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers

from mlx_backend.arrays import number
from mlx_backend.training.batches import Batch
from mlx_backend.training.loss import head_can_be_split, mean_loss, target_logits

_WARM_UP_SHARE = 0.05
_FINAL_SHARE = 0.1
_LARGEST_NORM = 1.0

_Compiled = Callable[[mx.array, mx.array, mx.array, mx.array, mx.array], mx.array]


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then half a cosine down to a tenth of `peak` (step counts from 0)."""
    warm_up = max(1, round(steps * _WARM_UP_SHARE))
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return peak * (_FINAL_SHARE + (1 - _FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * progress)))


class TrainingStep:
    """A model with its optimizer. Parameters change in place, step by step."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        model.eval()  # with dropout no two passes are alike
        self._split = head_can_be_split(model)
        self.reset_optimizer()

    def __call__(self, batch: Batch, rate: float) -> float:
        """Update the parameters with one batch; returns the loss before the update."""
        self.model.train()
        self.optimizer.learning_rate = rate
        loss = self._step(*_arrays(batch))
        mx.eval(loss, self._state)
        return number(loss)

    def loss(self, batch: Batch) -> float:
        """The loss of a batch without learning from it, and without dropout."""
        self.model.eval()
        return number(self._loss(*_arrays(batch)))

    def reset_optimizer(self) -> None:
        """Forget everything but the parameters."""
        # A new one: init() alone would keep the count of steps, which Adam corrects its bias by.
        self.optimizer = optimizers.AdamW(learning_rate=0.0, weight_decay=0.0, bias_correction=True)
        self.optimizer.init(self.model.trainable_parameters())
        self._compile()

    def set_optimizer_state(self, state: dict[str, Any]) -> None:
        """Take up an earlier optimizer state; the compiled step is bound to it anew."""
        self.optimizer.state = state
        self._compile()

    def _compile(self) -> None:
        model, optimizer, split = self.model, self.optimizer, self._split
        state = [model.state, optimizer.state, mx.random.state]  # dropout draws from the last

        def loss_of(
            model: nn.Module,
            inputs: mx.array,
            mask: mx.array,
            positions: mx.array,
            targets: mx.array,
            learned: mx.array,
        ) -> mx.array:
            logits = target_logits(model, inputs, mask, positions, split)
            return mean_loss(logits, targets, learned)

        value_and_grad = nn.value_and_grad(model, loss_of)

        def step(*arrays: mx.array) -> mx.array:
            loss: mx.array
            loss, gradients = value_and_grad(model, *arrays)
            gradients, _ = optimizers.clip_grad_norm(gradients, _LARGEST_NORM)
            optimizer.update(model, gradients)
            return loss

        self._step: _Compiled = partial(mx.compile, inputs=state, outputs=state)(step)
        self._loss: _Compiled = partial(mx.compile, inputs=[model.state])(partial(loss_of, model))
        self._state = state


def _arrays(batch: Batch) -> tuple[mx.array, mx.array, mx.array, mx.array, mx.array]:
    return batch.inputs, batch.mask, batch.positions, batch.targets, batch.learned
