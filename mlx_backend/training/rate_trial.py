"""A short trial of learning rates before a long training, from the same start on the same batches.

A few steps favour small rates (short-horizon bias: Wu et al., arXiv 1803.02021), and the first rate
that diverges is found at once; so a trial chooses among the few rates of the model's recipe alone,
and the recipe's own stays unless another is clearly better.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import mlx.core as mx
from mlx.utils import tree_unflatten

from mlx_backend.machine.arrays import flatten
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.stop_requests import Check, never

STEPS = 16
"""Steps at each rate."""

SHARE = 0.05
"""The share of a run's steps that all trials together may take; in a shorter run there are none."""

_WARM_UP = 4
_LAST = 4  # training losses whose mean counts where nothing is held out
_CLEARLY = 0.99  # times the loss at the recipe's rate


def is_worth_it(steps: int, rates: Sequence[float]) -> bool:
    """Whether a training of so many steps is long enough to try these rates first."""
    return len(rates) > 1 and len(rates) * STEPS <= SHARE * steps


def try_rates(
    training: TrainingStep,
    batches: PackedBatches,
    held_out: Sequence[Batch],
    rates: Sequence[float],
    check: Check = never,
) -> dict[float, float]:
    """The loss (nats per token) that a few steps at each rate lead to; infinite where they diverge.

    That of the held-out batches, or of the last steps where there are none. Parameters and
    optimizer are as before afterwards, to the bit; random numbers were drawn. `check` is called
    before each step; what it raises ends the trial.
    """
    start = flatten(training.model.trainable_parameters())
    found = {}
    try:
        for rate in rates:
            _begin_again(training, start)
            found[rate] = _loss_after(training, batches, held_out, rate, check)
    finally:
        _begin_again(training, start)
    return found


def best_rate(losses: Mapping[float, float], usual: float) -> float:
    """The rate with the lowest loss; the usual one unless another is clearly better."""
    best = min(losses, key=lambda rate: losses[rate], default=usual)
    return best if losses.get(best, math.inf) < _CLEARLY * losses.get(usual, math.inf) else usual


def _begin_again(training: TrainingStep, start: Mapping[str, mx.array]) -> None:
    training.model.update(tree_unflatten(list(start.items())))
    training.reset_optimizer()


def _loss_after(
    training: TrainingStep,
    batches: PackedBatches,
    held_out: Sequence[Batch],
    rate: float,
    check: Check,
) -> float:
    losses = []
    for step in range(STEPS):
        check()
        losses.append(training(batches[step], rate * min(1.0, (step + 1) / _WARM_UP)))
    total = sum(float(training.losses(batch).sum()) for batch in held_out)
    tokens = sum(batch.tokens for batch in held_out)
    loss = total / tokens if tokens else sum(losses[-_LAST:]) / _LAST
    return loss if math.isfinite(loss) else math.inf
