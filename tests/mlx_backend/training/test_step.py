from __future__ import annotations

import math

import mlx.core as mx
import numpy as np
import pytest

from mlx_backend.machine.arrays import flatten, number
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.step import TrainingStep, learning_rate
from mlx_backend.training.tokenised import TokenisedSample
from tests.mlx_backend.arrays import bits

Parts = tuple[Batch, ...]


@pytest.fixture
def training(loaded: LoadedModel) -> TrainingStep:
    mx.random.seed(0)
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0))
    return TrainingStep(loaded.model)


@pytest.fixture
def batch(loaded: LoadedModel) -> Parts:
    pairs = [("Who lit the lamp?", "Marta lit the lamp."), ("Where?", "In Amber Cove.")]
    samples = [TokenisedSample.of(ids, length) for ids, length in loaded.form.samples(pairs)]
    return PackedBatches(samples, seed=0)[0]


def mean_loss(training: TrainingStep, batch: Parts) -> float:
    return float(np.concatenate([training.losses(part) for part in batch]).mean())


def test_steps_lower_the_loss_and_change_the_adapter_alone(
    training: TrainingStep, batch: Parts
) -> None:
    everything = bits(flatten(training.model.parameters()))
    names = flatten(training.model.trainable_parameters()).keys()
    losses = [training(batch, rate=1e-2) for _ in range(12)]
    assert losses[-1] < losses[0] * 0.8
    changed = {
        name
        for name, data in bits(flatten(training.model.parameters())).items()
        if data != everything[name]
    }
    assert changed == names


def test_a_rate_of_zero_changes_nothing(training: TrainingStep, batch: Parts) -> None:
    before = bits(flatten(training.model.parameters()))
    training(batch, rate=0.0)
    training(batch, rate=0.0)
    training.reset_optimizer()
    assert bits(flatten(training.model.parameters())) == before


def test_looking_at_the_loss_changes_nothing(training: TrainingStep, batch: Parts) -> None:
    before = bits(flatten(training.model.parameters()))
    loss = mean_loss(training, batch)
    assert mean_loss(training, batch) == loss
    assert bits(flatten(training.model.parameters())) == before
    assert training(batch, rate=1e-3) == pytest.approx(loss, rel=1e-5)


def test_the_loss_is_that_of_the_parameters_as_they_are(
    training: TrainingStep, batch: Parts
) -> None:
    before = mean_loss(training, batch)
    for _ in range(5):
        training(batch, rate=1e-2)
    assert mean_loss(training, batch) < before


@pytest.mark.parametrize("steps", [1, 2, 3, 20, 1000])
def test_the_rate_rises_then_falls_to_a_tenth(steps: int) -> None:
    rates = [learning_rate(step, steps, 1e-3) for step in range(steps)]
    assert all(0 < rate <= 1e-3 for rate in rates)
    assert max(rates) == pytest.approx(1e-3)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if steps > 1:
        assert learning_rate(steps, steps, 1e-3) == pytest.approx(1e-4)
    if steps == 1000:
        assert top == 49
        assert rates[-1] == pytest.approx(1e-4, rel=0.01)


def test_a_reset_optimizer_has_forgotten_everything(training: TrainingStep, batch: Parts) -> None:
    fresh = bits(flatten(training.optimizer.state))
    training(batch, rate=0.0)
    assert bits(flatten(training.optimizer.state)) != fresh
    training.reset_optimizer()
    assert bits(flatten(training.optimizer.state)) == fresh


def moments(training: TrainingStep) -> float:
    """The norm of the gradients that the optimizer was given in its first step."""
    first = {k: v for k, v in flatten(training.optimizer.state).items() if k.endswith(".m")}
    assert first
    norm = math.sqrt(sum(number(mx.square(array).sum()) for array in first.values()))
    return norm / (1 - float(training.optimizer.betas[0]))


@pytest.mark.parametrize(("scale", "is_clipped"), [(0.01, False), (2000.0, True)])
def test_a_gradient_is_clipped_to_a_norm_of_one(
    loaded: LoadedModel, batch: Parts, scale: float, is_clipped: bool
) -> None:
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=scale))
    training = TrainingStep(loaded.model)
    pending = training.begin(batch, rate=0.0)
    assert pending.result()[1]
    norm = number(pending.norm)
    assert (norm > 1) == is_clipped
    assert moments(training) == pytest.approx(min(norm, 1.0), rel=1e-3)


def test_a_gradient_without_a_number_is_skipped_though_the_loss_has_one(
    loaded: LoadedModel, batch: Parts
) -> None:
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=3e38))  # the second factor is still zero
    training = TrainingStep(loaded.model)
    before = bits(flatten(training.model.parameters()) | flatten(training.optimizer.state))
    loss, learned = training.begin(batch, rate=0.0).result()
    assert math.isfinite(loss)
    assert not learned
    assert bits(flatten(training.model.parameters()) | flatten(training.optimizer.state)) == before
