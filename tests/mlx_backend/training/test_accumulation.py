"""Steps whose batch is computed in several parts, as a machine with little memory does it."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import mlx.core as mx
import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.dataset.samples import Dataset
from mlx_backend.jobs.memory_ladder import thriftiest
from mlx_backend.library import Library
from mlx_backend.machine.arrays import flatten
from mlx_backend.protocol import TrainingEnd, TrainSpec
from mlx_backend.run.preparation import Preparation, prepare, way_at_start
from mlx_backend.training.loop import LoopPlan, TrainingLoop
from tests.mlx_backend.arrays import bits
from tests.mlx_backend.training.recorder import Recorder


def in_parts(
    library: Library, spec: TrainSpec, dataset: Dataset, plan: LoopPlan, report: Recorder
) -> tuple[Preparation, TrainingLoop]:
    many = msgspec.structs.replace(dataset, train=dataset.train * 6)
    one_short_row_at_once = thriftiest(way_at_start(spec), spec.dropout)
    fresh = prepare(library, spec, many, one_short_row_at_once)
    parts = {len(fresh.batches[step]) for step in range(plan.steps)}
    assert max(parts) == 2, parts
    return fresh, TrainingLoop(fresh.training, fresh.batches, fresh.held_out, plan, report)


def adapter_bits(preparation: Preparation) -> dict[str, bytes]:
    return bits(flatten(preparation.loaded.model.trainable_parameters()))


@pytest.mark.parametrize("stopped_at", [2, 5])
def test_a_run_in_parts_is_resumed_with_the_very_same_bits(
    filled_library: Library, spec: TrainSpec, dataset: Dataset, tmp_path: Path, stopped_at: int
) -> None:
    plan = LoopPlan(
        steps=8, learning_rate=5e-3, checkpoint_every=3, checkpoints=tmp_path / "checkpoints"
    )
    loop_for = functools.partial(in_parts, filled_library, spec, dataset)
    alone = dataclasses.replace(plan, checkpoints=tmp_path / "alone")
    uninterrupted, loop = loop_for(alone, Recorder())
    assert loop.run(lambda: False) is TrainingEnd.ALL_STEPS
    _, interrupted = loop_for(plan, heard := Recorder())
    end = interrupted.run(lambda: len(heard.of(protocol.StepDone)) >= stopped_at)
    assert end is TrainingEnd.STOPPED
    mx.random.normal((stopped_at,))  # what another process may have drawn before
    resumed, continued = loop_for(plan, Recorder())
    assert continued.resume() == stopped_at
    assert continued.run(lambda: False) is TrainingEnd.ALL_STEPS
    assert adapter_bits(resumed) == adapter_bits(uninterrupted)
    assert continued.state.train_loss == loop.state.train_loss
