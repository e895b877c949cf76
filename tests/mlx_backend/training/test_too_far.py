"""A training ends when the model has gone too far from its base model on general prompts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_backend import protocol
from mlx_backend.dataset.samples import GENERAL, Dataset, Sample
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.machine.arrays import flatten
from mlx_backend.protocol import TrainingEnd, TrainSpec
from mlx_backend.run.preparation import Preparation, prepare
from mlx_backend.run.reporting import why_it_ended
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.checkpoints import TrainingState, read_checkpoint
from mlx_backend.training.choosing import Choosing
from mlx_backend.training.early_stopping import FARTHEST, is_too_far
from mlx_backend.training.loop import LoopPlan, TrainingLoop
from tests.mlx_backend.arrays import bits
from tests.mlx_backend.training.recorder import Recorder

Make = Callable[..., tuple[Preparation, TrainingLoop]]


@pytest.fixture
def with_general(dataset: Dataset) -> Dataset:
    general = [Sample(f"What is {n}?", f"It is the number {n}.", 0, 0, GENERAL) for n in range(4)]
    return msgspec.structs.replace(dataset, general=tuple(general))


@pytest.fixture
def make(filled_library: Library, spec: TrainSpec, with_general: Dataset, tmp_path: Path) -> Make:
    def make(
        events: Recorder, rate: float, held_out: bool = True, choosing: Choosing | None = None
    ) -> tuple[Preparation, TrainingLoop]:
        taught = with_general
        if not held_out:
            taught = msgspec.structs.replace(taught, held_out=())
        fresh = prepare(filled_library, spec, taught)
        plan = LoopPlan(
            steps=40,
            learning_rate=rate,
            checkpoint_every=500,
            checkpoints=tmp_path / "points",
            choosing=choosing,
        )
        return fresh, TrainingLoop(fresh.training, fresh.batches, fresh.held_out, plan, events)

    return make


def test_the_base_model_is_at_distance_zero_and_training_leads_away(
    make: Make, events: Recorder
) -> None:
    preparation, loop = make(events, 2e-3)
    general = preparation.held_out.general
    assert sum(batch.tokens for batch in general) > 20
    for batch in general:
        assert preparation.training.losses(batch).mean() == pytest.approx(0, abs=1e-5)
    assert loop.run(lambda: False) is TrainingEnd.ALL_STEPS
    losses = np.concatenate([preparation.training.losses(batch) for batch in general])
    assert loop.state.divergence == pytest.approx(losses.mean(), rel=1e-5)
    assert loop.state.divergence is not None
    assert 0 < loop.state.divergence < FARTHEST


def test_too_far_ends_it_and_the_best_state_before_is_kept(make: Make, events: Recorder) -> None:
    preparation, loop = make(events, 5e-2)
    plain = preparation.training.losses
    far_from = 16

    def losses(batch: Batch) -> NDArray[np.float32]:
        found = plain(batch)
        is_general = any(batch is each for each in preparation.held_out.general)
        return found + 2 * FARTHEST if is_general and loop.state.step >= far_from else found * 1e-3

    preparation.training.losses = losses  # type: ignore[method-assign]
    assert loop.run(lambda: False) is TrainingEnd.TOO_FAR
    assert loop.state.step == far_from
    assert loop.state.best is not None
    assert loop.state.kept_step == loop.state.best.step < far_from
    assert loop.state.divergence is not None
    assert loop.state.divergence < FARTHEST
    kept = read_checkpoint(loop._plan.checkpoints, loop.state.kept_step)
    assert kept is not None
    assert bits(kept.adapter) == bits(flatten(preparation.training.model.trainable_parameters()))
    assert not events.of(protocol.Evaluated)[-1].best
    told = " ".join(why_it_ended(TrainingEnd.TOO_FAR, loop.state, 40))
    assert "general questions" in told
    assert f"step {loop.state.kept_step}" in told


def test_a_state_that_has_gone_too_far_is_never_chosen_by_its_answers(
    make: Make, events: Recorder
) -> None:
    preparation, loop = make(events, 1e-3, choosing=Choosing(10, lambda: loop.state.step))
    plain = preparation.training.losses
    (first, *_) = sorted(loop._plan.choosing.steps_of(40, loop._every))  # type: ignore[union-attr]

    def losses(batch: Batch) -> NDArray[np.float32]:
        found = plain(batch)
        is_general = any(batch is each for each in preparation.held_out.general)
        return found + 2 * FARTHEST if is_general and loop.state.step >= first else found

    preparation.training.losses = losses  # type: ignore[method-assign]
    assert loop.run(lambda: False) is TrainingEnd.TOO_FAR
    assert loop.state.step == first
    assert first not in {each.step for each in loop.state.answered}
    assert loop.state.kept_step is not None
    assert loop.state.kept_step < first


def test_what_has_gone_too_far_before_the_first_step_is_not_trained(
    make: Make, events: Recorder
) -> None:
    preparation, loop = make(events, 1e-3)
    plain = preparation.training.losses

    def losses(batch: Batch) -> NDArray[np.float32]:
        found: NDArray[np.float32] = plain(batch) + np.float32(2 * FARTHEST)
        return found

    preparation.training.losses = losses  # type: ignore[method-assign]
    with pytest.raises(OvernightError) as caught:
        loop.run(lambda: False)
    assert caught.value.kind is ErrorKind.NO_LEARNING
    assert "Start afresh" in caught.value.hint
    assert loop.state.step == 0
    assert not loop._plan.checkpoints.exists()


def test_it_ends_where_nothing_is_held_out_too(make: Make, events: Recorder) -> None:
    preparation, loop = make(events, 5e-1, held_out=False)
    assert not preparation.held_out.batches
    assert loop.run(lambda: False) is TrainingEnd.TOO_FAR
    assert 0 < loop.state.step < 40
    assert is_too_far(loop.state.divergence)


def test_a_resumed_run_that_had_gone_too_far_ends_at_once(make: Make, events: Recorder) -> None:
    _, loop = make(events, 5e-1, held_out=False)
    assert loop.run(lambda: False) is TrainingEnd.TOO_FAR
    step = loop.state.step
    _, again = make(events, 5e-1, held_out=False)
    assert again.resume() == step
    assert again.run(lambda: False) is TrainingEnd.TOO_FAR
    assert again.state.step == step


def test_what_was_not_measured_is_not_too_far() -> None:
    assert not is_too_far(None)
    assert not is_too_far(math.nan)
    assert not is_too_far(0.3)
    assert is_too_far(1.6)


def test_a_checkpoint_of_an_earlier_version_has_no_divergence() -> None:
    told = msgspec.to_builtins(TrainingState(step=3))
    del told["divergence"]
    assert msgspec.convert(told, TrainingState).divergence is None


def test_without_general_samples_nothing_is_measured(
    filled_library: Library, spec: TrainSpec, dataset: Dataset
) -> None:
    preparation = prepare(filled_library, spec, dataset)
    assert preparation.held_out.general == ()
    assert preparation.held_out.size == len(preparation.held_out.batches)
    more = dataclasses.replace(preparation.held_out, general=preparation.held_out.batches)
    assert more.size == 2 * preparation.held_out.size
