"""The state with the most right answers is kept, and a resumed run keeps the same one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.machine.arrays import flatten
from mlx_backend.protocol import TrainingEnd
from mlx_backend.run.preparation import Preparation
from mlx_backend.training import loop as loop_module
from mlx_backend.training.checkpoints import read_checkpoint
from mlx_backend.training.choosing import Answered, Choosing, best_of, with_answers
from mlx_backend.training.loop import LoopPlan, TrainingLoop
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.arrays import bits
from tests.mlx_backend.training.recorder import Recorder

MakeLoop = Callable[[LoopPlan, Recorder], tuple[Preparation, TrainingLoop]]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoopPlan:
    """Eight steps with an evaluation after each second one."""
    monkeypatch.setattr(loop_module, "evaluation_interval", lambda *_: 2)
    return LoopPlan(
        steps=8, learning_rate=5e-3, checkpoint_every=100, checkpoints=tmp_path / "checkpoints"
    )


class Asked:
    """Answers as many as `right` says of the step; raises where it is to `stop`."""

    def __init__(self, right: dict[int, int]) -> None:
        self.right = right
        self.steps: list[int] = []
        self.loop: TrainingLoop | None = None
        self.stop = False

    def __call__(self) -> int:
        if self.stop:
            raise StoppedEarly
        assert self.loop is not None
        step = self.loop.state.step
        self.steps.append(step)
        return self.right.get(step, 0)


def chooser(
    make_loop: MakeLoop, plan: LoopPlan, right: dict[int, int], report: Recorder
) -> tuple[Preparation, TrainingLoop, Asked]:
    asked = Asked(right)
    preparation, loop = make_loop(dataclasses.replace(plan, choosing=Choosing(10, asked)), report)
    asked.loop = loop
    return preparation, loop, asked


def never() -> bool:
    return False


def adapter_bits(preparation: Preparation) -> dict[str, bytes]:
    return bits(flatten(preparation.loaded.model.trainable_parameters()))


def test_the_best_by_answers_is_kept_though_the_loss_is_lower_later(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    preparation, loop, asked = chooser(make_loop, plan, {4: 7, 6: 5, 8: 6}, events)
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    assert asked.steps == [4, 6, 8], "at half of the steps, at three quarters, and at the end"
    losses = {event.step: event.loss for event in events.of(protocol.Evaluated)}
    assert losses[8] < losses[4]
    assert loop.state.kept_step == 4
    assert loop.state.valid_loss == losses[4]
    kept = read_checkpoint(plan.checkpoints, 4)
    assert kept is not None
    assert bits(kept.adapter) == adapter_bits(preparation)
    assert any("After step 4 it answers 7 of 10" in n.text for n in events.of(protocol.Notice))


def test_of_states_that_answer_as_many_that_of_the_lowest_loss_is_kept(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    _, loop, _ = chooser(make_loop, plan, {4: 5, 6: 5, 8: 5}, events)
    loop.run(never)
    losses = {event.step: event.loss for event in events.of(protocol.Evaluated)}
    assert losses[8] == min(losses[step] for step in (4, 6, 8))
    assert loop.state.kept_step is None, "the last one"


def test_that_of_the_lowest_loss_is_asked_too(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    high = dataclasses.replace(plan, steps=40, learning_rate=0.2)
    preparation, loop, asked = chooser(make_loop, high, {}, events)
    end = loop.run(never)
    best = [event for event in events.of(protocol.Evaluated) if event.best][-1]
    assert end is TrainingEnd.NO_GAIN
    assert len(asked.steps) <= 4
    assert best.step in {each.step for each in loop.state.answered}
    assert loop.state.kept_step == best.step, "no state answers anything: the loss decides"
    kept = read_checkpoint(plan.checkpoints, best.step)
    assert kept is not None
    assert bits(kept.adapter) == adapter_bits(preparation)


def test_the_last_one_is_on_the_model_again_where_it_wins(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    high = dataclasses.replace(plan, steps=40, learning_rate=0.2)
    preparation, loop, asked = chooser(make_loop, high, {}, events)

    def more_and_more() -> int:
        asked.steps.append(loop.state.step)
        return 9 if len(set(asked.steps)) == len(asked.steps) else 1  # the best one comes again

    object.__setattr__(loop._plan.choosing, "count_right", more_and_more)
    assert loop.run(never) is TrainingEnd.NO_GAIN
    last = read_checkpoint(plan.checkpoints, loop.state.step)
    assert last is not None
    if loop.state.kept_step is None:
        assert bits(last.adapter) == adapter_bits(preparation)
    else:
        kept = read_checkpoint(plan.checkpoints, loop.state.kept_step)
        assert kept is not None
        assert bits(kept.adapter) == adapter_bits(preparation)


@pytest.mark.parametrize("stopped_at", [3, 4, 5, 7])
def test_a_resumed_run_keeps_the_same_state(
    make_loop: MakeLoop, plan: LoopPlan, tmp_path: Path, stopped_at: int
) -> None:
    right = {4: 7, 6: 5, 8: 6}
    whole = dataclasses.replace(plan, checkpoints=tmp_path / "whole")
    uninterrupted, through, _ = chooser(make_loop, whole, right, Recorder())
    through.run(never)
    first = Recorder()
    _, interrupted, _ = chooser(make_loop, plan, right, first)
    stop = lambda: len(first.of(protocol.StepDone)) >= stopped_at  # noqa: E731
    assert interrupted.run(stop) is TrainingEnd.STOPPED
    resumed, continued, _ = chooser(make_loop, plan, right, Recorder())
    assert continued.resume() == stopped_at
    assert continued.run(never) is TrainingEnd.ALL_STEPS
    assert continued.state.kept_step == through.state.kept_step == 4
    assert continued.state.answered == through.state.answered
    assert adapter_bits(resumed) == adapter_bits(uninterrupted)


@pytest.mark.parametrize("when", [4, 6, 8])
def test_stopped_while_it_is_asked_no_step_is_lost_and_it_is_asked_again(
    make_loop: MakeLoop, plan: LoopPlan, tmp_path: Path, when: int
) -> None:
    right = {4: 7, 6: 5, 8: 6}
    whole = dataclasses.replace(plan, checkpoints=tmp_path / "whole")
    uninterrupted, through, _ = chooser(make_loop, whole, right, Recorder())
    through.run(never)
    _, interrupted, asked = chooser(make_loop, plan, right, Recorder())

    def watch() -> bool:
        asked.stop = interrupted.state.step == when - 1
        return False

    assert interrupted.run(watch) is TrainingEnd.STOPPED
    assert interrupted.state.step == when
    again = Recorder()
    resumed, continued, asked = chooser(make_loop, plan, right, again)
    assert continued.resume() == when
    assert continued.run(never) is TrainingEnd.ALL_STEPS
    assert [event.step for event in again.of(protocol.StepDone)] == list(range(when + 1, 9))
    assert when in asked.steps
    assert continued.state.kept_step == 4
    assert continued.state.answered == through.state.answered
    assert adapter_bits(resumed) == adapter_bits(uninterrupted)


def test_where_the_chosen_one_is_lost_the_last_one_is_kept(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    _, loop, _ = chooser(make_loop, plan, {4: 7}, events)

    def lose_it() -> bool:
        for file in (plan.checkpoints / "step-000004").glob("adapter*"):
            file.write_bytes(b"")
        return False

    assert loop.run(lose_it) is TrainingEnd.ALL_STEPS
    assert loop.state.kept_step is None
    assert any("could not be read" in notice.text for notice in events.of(protocol.Notice))


@pytest.mark.parametrize("left", [5, None])
def test_states_are_only_compared_by_the_same_questions(
    make_loop: MakeLoop, plan: LoopPlan, left: int | None
) -> None:
    """Five of ten questions, or too many to choose by the others, are withdrawn after step 4."""
    first = Recorder()
    _, interrupted, _ = chooser(make_loop, plan, {4: 7}, first)
    stop = lambda: len(first.of(protocol.StepDone)) >= 5  # noqa: E731
    assert interrupted.run(stop) is TrainingEnd.STOPPED
    assert [each.step for each in interrupted.state.answered] == [4]
    _, continued, asked = chooser(make_loop, plan, {6: 4, 8: 3}, Recorder())
    choosing = None if left is None else Choosing(left, asked)
    object.__setattr__(continued._plan, "choosing", choosing)
    object.__setattr__(continued._keeping, "choosing", choosing)
    continued.resume()
    continued.run(never)
    if left is None:
        assert continued.state.best is not None
        kept = continued.state.kept_step or continued.state.step
        assert kept == continued.state.best.step
    else:
        assert continued.state.kept_step == 6


@pytest.mark.parametrize(
    ("steps", "every", "asked_at"),
    [(100, 5, {50, 75}), (8, 2, {4, 6}), (40, 16, {32}), (10, 30, set()), (1, 1, set())],
)
def test_few_evaluations_ask_questions(steps: int, every: int, asked_at: set[int]) -> None:
    assert Choosing(10, lambda: 0).steps_of(steps, every) == asked_at


def test_a_state_that_is_asked_again_counts_once() -> None:
    first, second = Answered(step=4, right=3, loss=1.0), Answered(step=6, right=3, loss=0.9)
    answered = with_answers(with_answers((), first), second)
    answered = with_answers(answered, Answered(step=4, right=2, loss=1.0))
    assert best_of(answered) == second
    assert len(answered) == 2
    assert best_of(()) is None
