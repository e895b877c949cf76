from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest

from mlx_backend.jobs.memory_ladder import (
    LONG_ROW,
    SHORT_ROW,
    Recomputed,
    first_way,
    ways_from,
)
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.training.batches import BatchShape, PackedBatches
from mlx_backend.training.memory_saving import batch_shape, recompute
from mlx_backend.training.packing import ROW_LENGTHS
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.tokenised import TokenisedSample
from tests.mlx_backend.arrays import bits, numpy, relative_error


def test_rows_are_as_long_as_the_ways_say() -> None:
    assert ROW_LENGTHS == (SHORT_ROW, LONG_ROW)


@pytest.mark.parametrize("positions", [512, 2048])
@pytest.mark.parametrize("machines", [1, 3])
def test_a_batch_is_as_large_whatever_the_way(positions: int, machines: int) -> None:
    ways = ways_from(first_way(positions, 0.0), 0.0)
    shapes = [batch_shape(way, positions, machines) for way in ways]
    assert {shape.positions for shape in shapes} == {positions * machines}
    assert [shape.at_once for shape in shapes] == [way.at_once for way in ways]
    assert shapes[-1].row_lengths == (SHORT_ROW,)
    assert len(set(shapes)) >= 2


def test_a_way_chosen_with_a_gpu_is_taken_without_one() -> None:
    assert batch_shape(first_way(2048, 0.0), 512) == batch_shape(first_way(512, 0.0), 512)


def trained(loaded: LoadedModel, recomputed: Recomputed, at_once: int) -> TrainingStep:
    """Three steps on the same samples, computed in one way or another."""
    mx.random.seed(0)
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0))
    training = TrainingStep(loaded.model, recomputed)
    random = np.random.default_rng(0)
    samples = [TokenisedSample.of(random.integers(3, 390, 90).tolist(), 10) for _ in range(30)]
    batches = PackedBatches(samples, 0, BatchShape(512, at_once, 256))
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
