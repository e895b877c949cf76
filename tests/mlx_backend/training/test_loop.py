from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import pytest

from mlx_backend import protocol
from mlx_backend.arrays import flatten
from mlx_backend.errors import Kind, OvernightError
from mlx_backend.training.loop import LoopPlan, TrainingLoop
from mlx_backend.training.preparation import Preparation
from tests.mlx_backend.arrays import bits
from tests.mlx_backend.training.recorder import Recorder

MakeLoop = Callable[[LoopPlan, Recorder], tuple[Preparation, TrainingLoop]]


@pytest.fixture
def plan(tmp_path: Path) -> LoopPlan:
    return LoopPlan(
        steps=8, learning_rate=5e-3, checkpoint_every=3, checkpoints=tmp_path / "checkpoints"
    )


def never() -> bool:
    return False


def after(events: Recorder, steps: int) -> Callable[[], bool]:
    return lambda: len(events.of(protocol.StepDone)) >= steps


def adapter_bits(preparation: Preparation) -> dict[str, bytes]:
    return bits(flatten(preparation.loaded.model.trainable_parameters()))


def steps_saved(plan: LoopPlan) -> list[str]:
    return sorted(path.name for path in plan.checkpoints.glob("*"))


def test_a_whole_run_tells_all(make_loop: MakeLoop, plan: LoopPlan, events: Recorder) -> None:
    _, loop = make_loop(plan, events)
    assert loop.run(never)
    steps = events.of(protocol.StepDone)
    assert [event.step for event in steps] == list(range(1, 9))
    assert {event.steps for event in steps} == {8}
    assert all(event.tokens_per_second > 0 and event.learning_rate > 0 for event in steps)
    assert [event.elapsed_s for event in steps] == sorted(event.elapsed_s for event in steps)
    assert steps[-1].remaining_s == 0
    evaluated = events.of(protocol.Evaluated)
    assert (evaluated[0].step, evaluated[-1].step) == (0, 8)
    assert evaluated[-1].loss < evaluated[0].loss
    assert loop.state.base_valid_loss == evaluated[0].loss
    assert loop.state.valid_loss == evaluated[-1].loss
    assert [event.step for event in events.of(protocol.CheckpointSaved)] == [3, 6, 8]


def test_a_stop_saves_and_ends(make_loop: MakeLoop, plan: LoopPlan, events: Recorder) -> None:
    _, loop = make_loop(plan, events)
    assert not loop.run(after(events, 2))
    assert loop.state.step == 2
    assert steps_saved(plan) == ["step-000002"]


def test_a_stop_right_after_a_checkpoint_leaves_that_alone(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    _, loop = make_loop(plan, events)
    assert not loop.run(after(events, 3))
    assert [event.step for event in events.of(protocol.CheckpointSaved)] == [3]
    _, resumed = make_loop(plan, again := Recorder())
    assert resumed.resume() == 3
    assert not resumed.run(lambda: True)
    assert again.of(protocol.CheckpointSaved) == []
    assert steps_saved(plan) == ["step-000003"]


@pytest.mark.parametrize("stopped_at", [1, 3, 5])
def test_a_resumed_run_ends_with_the_very_same_bits(
    make_loop: MakeLoop, plan: LoopPlan, tmp_path: Path, stopped_at: int
) -> None:
    whole = dataclasses.replace(plan, checkpoints=tmp_path / "whole")
    uninterrupted, loop = make_loop(whole, Recorder())
    assert loop.run(never)
    first = Recorder()
    _, interrupted = make_loop(plan, first)
    interrupted.run(after(first, stopped_at))
    mx.random.normal((stopped_at,))  # what another process may have drawn before
    second = Recorder()
    resumed, continued = make_loop(plan, second)
    assert continued.resume() == stopped_at
    assert continued.run(never)
    assert adapter_bits(resumed) == adapter_bits(uninterrupted)
    assert continued.state.train_loss == loop.state.train_loss
    assert continued.state.valid_loss == loop.state.valid_loss
    assert continued.state.base_valid_loss == loop.state.base_valid_loss
    assert [event.step for event in second.of(protocol.StepDone)] == list(range(stopped_at + 1, 9))


def test_dropout_has_a_part_in_it(make_loop: MakeLoop, plan: LoopPlan, tmp_path: Path) -> None:
    """Else the test above would prove nothing about the random state."""
    one, first = make_loop(plan, Recorder())
    first.run(never)
    other, second = make_loop(dataclasses.replace(plan, checkpoints=tmp_path / "b"), Recorder())
    mx.random.seed(99)
    second.run(never)
    assert adapter_bits(one) != adapter_bits(other)


def test_without_a_checkpoint_a_run_begins_at_the_beginning(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    _, loop = make_loop(plan, events)
    assert loop.resume() == 0


def test_a_run_that_is_through_already_only_evaluates(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    make_loop(plan, Recorder())[1].run(never)
    _, again = make_loop(plan, events)
    assert again.resume() == 8
    assert again.run(never)
    assert events.of(protocol.StepDone) == []


def test_a_deadline_ends_the_run_in_time(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    _, loop = make_loop(dataclasses.replace(plan, deadline=0.0), events)
    assert loop.run(never)
    assert [event.step for event in events.of(protocol.StepDone)] == [1]  # else there is nothing
    assert steps_saved(plan) == ["step-000001"]


def test_a_loss_that_is_no_number_is_a_typed_error_and_checkpoints_stand(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    preparation, loop = make_loop(plan, events)

    def break_it() -> bool:
        if len(events.of(protocol.StepDone)) == 4:
            factors = flatten(preparation.loaded.model.trainable_parameters())
            name = sorted(factors)[0]
            preparation.loaded.model.load_weights(
                [(name, mx.full(factors[name].shape, mx.nan))], strict=False
            )
        return False

    with pytest.raises(OvernightError) as caught:
        loop.run(break_it)
    assert caught.value.kind is Kind.NO_LEARNING
    assert "step 5" in caught.value.message
    assert caught.value.hint
    assert steps_saved(plan) == ["step-000003"]
