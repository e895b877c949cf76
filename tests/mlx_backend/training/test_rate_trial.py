from __future__ import annotations

import math

import mlx.core as mx
import numpy as np
import pytest

from mlx_backend.machine.arrays import flatten
from mlx_backend.run.preparation import Preparation
from mlx_backend.training import rate_trial
from mlx_backend.training.rate_trial import best_rate, is_worth_it, try_rates
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.arrays import bits


def state_of(preparation: Preparation) -> tuple[dict[str, bytes], dict[str, bytes]]:
    training = preparation.training
    return bits(flatten(training.model.trainable_parameters())), bits(
        flatten(training.optimizer.state)
    )


def test_a_trial_leaves_everything_as_it_was_and_is_the_same_each_time(
    preparation: Preparation,
) -> None:
    training, batches = preparation.training, preparation.batches
    before = state_of(preparation)
    rates = (1e-4, 1e-2)
    found = []
    for _ in range(2):
        mx.random.seed(1)  # for dropout
        found.append(try_rates(training, batches, preparation.held_out.batches, rates))
        assert state_of(preparation) == before
    assert found[0] == found[1]
    assert list(found[0]) == list(rates)
    assert found[0][1e-2] < found[0][1e-4]  # the tiny model learns as fast as it may


def test_without_anything_held_out_the_training_loss_counts(preparation: Preparation) -> None:
    found = try_rates(preparation.training, preparation.batches, (), (1e-4, 1e-2))
    assert found[1e-2] < found[1e-4]


def test_a_rate_that_diverges_is_never_the_best(preparation: Preparation) -> None:
    found = try_rates(preparation.training, preparation.batches, (), (1e-3, 1e30))
    assert math.isfinite(found[1e-3])
    assert best_rate(found, 1e-3) == 1e-3
    assert np.isfinite(preparation.training(preparation.batches[0], 0.0))


def test_a_stop_in_mid_trial_leaves_everything_as_it_was(preparation: Preparation) -> None:
    before, calls = state_of(preparation), []

    def check() -> None:
        calls.append(1)
        if len(calls) > 3:
            raise StoppedEarly

    with pytest.raises(StoppedEarly):
        try_rates(preparation.training, preparation.batches, (), (1e-3, 1e-2), check)
    assert state_of(preparation) == before


def test_the_usual_rate_stays_unless_another_is_clearly_better() -> None:
    assert best_rate({1e-4: 1.0, 2e-4: 1.005, 4e-4: 1.2}, 2e-4) == 2e-4
    assert best_rate({1e-4: 0.9, 2e-4: 1.0, 4e-4: 0.8}, 2e-4) == 4e-4
    assert best_rate({1e-4: math.inf, 2e-4: math.inf}, 2e-4) == 2e-4
    assert best_rate({}, 2e-4) == 2e-4


def test_only_a_long_run_tries_rates() -> None:
    rates = (1e-4, 2e-4, 4e-4)
    assert is_worth_it(round(3 * rate_trial.STEPS / rate_trial.SHARE), rates)
    assert not is_worth_it(500, rates)
    assert not is_worth_it(10**6, (1e-3,))
    assert not is_worth_it(10**6, ())
