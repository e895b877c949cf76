from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest

from mlx_backend.jobs.memory_ladder import Lowered
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.training.batches import PackedBatches, TokenisedSample
from mlx_backend.training.memory_saving import (
    Frugality,
    Recomputed,
    recompute,
    rung,
    rungs,
    steps_down,
)
from mlx_backend.training.step import TrainingStep
from tests.mlx_backend.arrays import bits, numpy, relative_error


@pytest.mark.parametrize("positions", [512, 2048])
def test_the_ladder_goes_down_without_a_step_twice(positions: int) -> None:
    ladder = rungs(positions)
    assert len(set(ladder)) == len(ladder) >= 4
    assert ladder[0].recomputed == "nothing"
    assert ladder[0].shape.at_once == positions
    at_once = [each.shape.at_once for each in ladder]
    assert at_once == sorted(at_once, reverse=True)
    assert len({each.text for each in ladder}) >= 4


def test_the_last_rung_is_not_left() -> None:
    last = rungs(512)[-1]
    assert rung(99, False, 512, 0.0) == rung(99, True, 512, 0.0) == last
    assert rung(0, True, 512, 0.0).recomputed == "layer"


def test_what_was_given_up_is_added_to_the_plan() -> None:
    assert steps_down(0, Lowered(), rungs(2048), False) == 0
    assert steps_down(1, Lowered(2), rungs(2048), True) == 3


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("planned", [0, 1])
def test_after_the_gpu_was_taken_away_less_is_computed_at_once(
    low_memory: bool, dropout: float, planned: int
) -> None:
    ladder = rungs(2048, dropout)
    first = next(each for each in ladder if each.shape.at_once < 2048)
    assert first != ladder[-1]

    def after(further: int) -> Frugality:
        lowered = Lowered(1, smaller=True, further=further)
        down = steps_down(planned, lowered, ladder, low_memory)
        return rung(down, low_memory, 2048, dropout)

    is_small_enough = planned + 2 * low_memory >= ladder.index(first)
    assert after(0) == (ladder[-1] if is_small_enough else first)
    assert after(0).shape.at_once < 2048
    assert after(1) == after(2) == ladder[-1]


def test_smaller_portions_that_were_not_small_enough_get_smaller_still() -> None:
    ladder = rungs(2048)
    assert steps_down(3, Lowered(1, smaller=True), ladder, False) == 4
    assert steps_down(0, Lowered(100, smaller=True, further=1), ladder, False) > len(ladder)


def test_a_plan_that_was_made_with_smaller_portions_is_found_again() -> None:
    lowered = Lowered(1, smaller=True, further=1)
    down = steps_down(0, lowered, rungs(2048), False)
    frozen = down - lowered.rung - lowered.further
    assert steps_down(frozen, lowered, rungs(2048), False) == down


def test_with_dropout_nothing_is_recomputed() -> None:
    assert {each.recomputed for each in rungs(512, dropout=0.1)} == {"nothing"}


def trained(loaded: LoadedModel, recomputed: Recomputed, at_once: int) -> TrainingStep:
    """Three steps on the same samples, computed in one way or another."""
    mx.random.seed(0)
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0))
    training = TrainingStep(loaded.model, recomputed)
    random = np.random.default_rng(0)
    samples = [TokenisedSample.of(random.integers(3, 390, 90).tolist(), 10) for _ in range(30)]
    shape = rung(0, False, 512, 0.0).shape
    batches = PackedBatches(samples, 0, type(shape)(512, at_once, 256))
    for step in range(3):
        training(batches[step], rate=1e-2)
    recompute(loaded.model, "nothing")
    return training


@pytest.mark.parametrize("recomputed", ["mlp", "layer"])
@pytest.mark.parametrize("at_once", [512, 256])
def test_every_way_learns_the_same(
    loaded: LoadedModel, recomputed: Recomputed, at_once: int
) -> None:
    plain = {
        name: numpy(array)
        for name, array in flatten(
            trained(loaded, "nothing", 512).model.trainable_parameters()
        ).items()
    }
    frugal = flatten(trained(loaded, recomputed, at_once).model.trainable_parameters())
    assert frugal.keys() == plain.keys()
    for name, array in frugal.items():
        # Adam turns differences in the last digit of tiny gradients into larger ones.
        assert relative_error(numpy(array), plain[name]) < 2e-3, name


def test_a_model_gets_its_own_classes_back(loaded: LoadedModel) -> None:
    own = [type(layer) for layer in loaded.model.layers]
    before = bits(flatten(loaded.model.parameters()))
    for what in ("layer", "mlp", "layer", "nothing"):
        recompute(loaded.model, what)
        assert bits(flatten(loaded.model.parameters())) == before
    assert [type(layer) for layer in loaded.model.layers] == own
