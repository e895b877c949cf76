from __future__ import annotations

import msgspec
import pytest

from mlx_backend.arrays import flatten
from mlx_backend.dataset import Dataset
from mlx_backend.protocol import TrainSpec
from mlx_backend.training.plan import make_plan
from mlx_backend.training.preparation import Preparation
from tests.mlx_backend.arrays import bits


def test_a_plan_measures_and_changes_nothing(
    preparation: Preparation, dataset: Dataset, spec: TrainSpec
) -> None:
    model = preparation.loaded.model
    before = bits(flatten(model.parameters()))
    plan = make_plan(spec, dataset, preparation)
    assert bits(flatten(model.parameters())) == before
    assert plan.steps == 8
    assert plan.notes == 3
    assert plan.samples == len(dataset.train)
    assert plan.held_out == len(dataset.held_out)
    assert plan.tokens_per_second > 0
    assert plan.peak_bytes > preparation.loaded.bytes
    assert plan.fits


@pytest.mark.parametrize("passes", [1, 5])
def test_steps_are_those_of_the_passes(
    preparation: Preparation, dataset: Dataset, spec: TrainSpec, passes: int
) -> None:
    asked = msgspec.structs.replace(spec, steps=None, passes=passes)
    plan = make_plan(asked, dataset, preparation)
    assert plan.steps == preparation.batches.steps(passes)


def test_the_night_limits_the_steps(
    preparation: Preparation, dataset: Dataset, spec: TrainSpec
) -> None:
    asked = msgspec.structs.replace(spec, steps=None, passes=100, hours=1e-9)
    assert make_plan(asked, dataset, preparation).steps == 1
