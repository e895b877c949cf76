"""The plan: what a run will do and take, from a few real steps on this machine."""

from __future__ import annotations

import time

import mlx.core as mx
import msgspec
import psutil

from mlx_backend.dataset import Dataset
from mlx_backend.night.deadline import RESERVE, hours_at_most
from mlx_backend.protocol import TrainSpec
from mlx_backend.training.loop import evaluation_interval
from mlx_backend.training.preparation import Preparation

_MEASURED_STEPS = 2


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will do: `minutes` of training in `steps` steps, `peak_bytes` of memory.

    `passes` is how often it sees each sample; below 1, it does not see all of them.
    """

    notes: int
    samples: int
    held_out: int
    steps: int
    passes: float
    minutes: float
    peak_bytes: int
    fits: bool
    tokens_per_second: float


def make_plan(spec: TrainSpec, dataset: Dataset, preparation: Preparation) -> RunPlan:
    """Measure real steps and plan as many as `spec.passes` make and the time allows.

    The steps change no parameter: they are taken with a learning rate of zero, and the optimizer
    forgets them.
    """
    available = psutil.virtual_memory().available + mx.get_active_memory()
    mx.reset_peak_memory()
    seconds, tokens = _measure_steps(preparation)
    evaluation = _measure_evaluation(preparation)
    hours = hours_at_most(spec, time.time())
    steps = spec.steps or preparation.batches.steps(spec.passes)
    if hours is not None:
        looks = steps // evaluation_interval(steps, len(preparation.held_out)) + 2
        budget = hours * 3600 * (1 - RESERVE) - evaluation * looks
        steps = max(1, min(steps, int(budget / seconds)))
    evaluations = steps // evaluation_interval(steps, len(preparation.held_out)) + 2
    peak = mx.get_peak_memory()
    return RunPlan(
        notes=dataset.notes,
        samples=len(dataset.train),
        held_out=len(dataset.held_out),
        steps=steps,
        passes=steps / preparation.batches.steps(1),
        minutes=round((steps * seconds + evaluations * evaluation) / 60, 2),
        peak_bytes=peak,
        fits=peak <= available,
        tokens_per_second=tokens / seconds,
    )


def _measure_steps(preparation: Preparation) -> tuple[float, float]:
    """Seconds and learned tokens of a step, each the mean of a few."""
    training, batches = preparation.training, preparation.batches
    chosen = [batches[i] for i in range(min(_MEASURED_STEPS, batches.steps(1)))]
    for batch in chosen:  # the first of each shape is slow, for it is compiled
        training(batch, rate=0.0)
    began = time.perf_counter()
    for batch in chosen:
        training(batch, rate=0.0)
    seconds = (time.perf_counter() - began) / len(chosen)
    training.reset_optimizer()
    return seconds, sum(batch.tokens for batch in chosen) / len(chosen)


def _measure_evaluation(preparation: Preparation) -> float:
    """Seconds that one look at the held-out loss takes."""
    if not preparation.held_out:
        return 0.0
    preparation.training.loss(preparation.held_out[0])
    began = time.perf_counter()
    preparation.training.loss(preparation.held_out[0])
    return (time.perf_counter() - began) * len(preparation.held_out)
