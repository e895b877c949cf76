from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_backend import protocol
from mlx_backend.dataset.samples import Dataset
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.machine.arrays import flatten, load_tensors
from mlx_backend.protocol import TrainingEnd
from mlx_backend.run.preparation import Preparation
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.checkpoints import latest_checkpoint, read_checkpoint
from mlx_backend.training.early_stopping import PATIENCE
from mlx_backend.training.evaluating import HeldOut
from mlx_backend.training.loop import LoopPlan, TrainingLoop
from mlx_backend.training.step import PendingStep
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
    """But for the one before the first step, which is always there until later ones are."""
    found = sorted(path.name for path in plan.checkpoints.glob("*"))
    return [name for name in found if name != "step-000000"]


def test_a_whole_run_tells_all(make_loop: MakeLoop, plan: LoopPlan, events: Recorder) -> None:
    _, loop = make_loop(plan, events)
    assert loop.run(never) is TrainingEnd.ALL_STEPS
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
    best = [event.step for event in evaluated if event.best]
    saved = [event.step for event in events.of(protocol.CheckpointSaved)]
    assert saved == sorted({0, 3, 6, 8, *best})


def test_a_stop_saves_and_ends(make_loop: MakeLoop, plan: LoopPlan, events: Recorder) -> None:
    _, loop = make_loop(plan, events)
    assert loop.run(after(events, 2)) is TrainingEnd.STOPPED
    assert loop.state.step == 2
    assert steps_saved(plan) == ["step-000002"]


def test_a_stop_right_after_a_checkpoint_leaves_that_alone(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    _, loop = make_loop(plan, events)
    assert loop.run(after(events, 3)) is TrainingEnd.STOPPED
    assert [event.step for event in events.of(protocol.CheckpointSaved)] == [0, 3]
    _, resumed = make_loop(plan, again := Recorder())
    assert resumed.resume() == 3
    assert resumed.run(lambda: True) is TrainingEnd.STOPPED
    assert again.of(protocol.CheckpointSaved) == []
    assert steps_saved(plan) == ["step-000003"]


@pytest.mark.parametrize("stopped_at", [1, 3, 5])
def test_a_resumed_run_ends_with_the_very_same_bits(
    make_loop: MakeLoop, plan: LoopPlan, tmp_path: Path, stopped_at: int
) -> None:
    whole = dataclasses.replace(plan, checkpoints=tmp_path / "whole")
    uninterrupted, loop = make_loop(whole, Recorder())
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    first = Recorder()
    _, interrupted = make_loop(plan, first)
    interrupted.run(after(first, stopped_at))
    mx.random.normal((stopped_at,))  # what another process may have drawn before
    second = Recorder()
    resumed, continued = make_loop(plan, second)
    assert continued.resume() == stopped_at
    assert continued.run(never) is TrainingEnd.ALL_STEPS
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
    assert again.run(never) is TrainingEnd.ALL_STEPS
    assert events.of(protocol.StepDone) == []


def test_a_deadline_ends_the_run_in_time(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    _, loop = make_loop(dataclasses.replace(plan, deadline=0.0), events)
    assert loop.run(never) is TrainingEnd.NO_TIME
    assert [event.step for event in events.of(protocol.StepDone)] == [1]  # else there is nothing
    assert steps_saved(plan) == ["step-000001"]


def test_the_last_step_is_looked_at_also_where_a_checkpoint_is_due(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    _, loop = make_loop(dataclasses.replace(plan, checkpoint_every=4), events)
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    assert events.of(protocol.Evaluated)[-1].step == 8
    assert loop.state.best is not None
    assert loop.state.best.step == 8
    assert loop.state.kept_step is None


def test_what_was_before_the_first_step_is_never_kept(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    """It would be an adapter that changes nothing; the losses tell what it is worth."""
    _, loop = make_loop(dataclasses.replace(plan, learning_rate=1e-9), events)
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    assert loop.state.best is not None
    assert loop.state.best.step > 0
    assert not events.of(protocol.Evaluated)[0].best


def test_a_held_out_sample_without_a_number_is_left_out(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation, _ = make_loop(plan, events)
    (batch,) = preparation.batches[0]
    lost = int(batch.samples[0])
    held_out = HeldOut((batch,), {int(sample): int(sample) for sample in batch.samples})
    loop = TrainingLoop(preparation.training, preparation.batches, held_out, plan, events)
    lose_number(preparation, monkeypatch, lambda samples: samples == lost)
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    assert loop.state.valid_loss is not None
    assert math.isfinite(loop.state.valid_loss)
    assert loop.state.valid_by_note.keys() == held_out.notes.keys() - {lost}
    assert latest_checkpoint(plan.checkpoints)[0] is not None


def test_where_no_held_out_sample_has_a_number_a_run_goes_on_without(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation, loop = make_loop(plan, events)
    lose_number(preparation, monkeypatch, lambda samples: samples >= 0)
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    assert (loop.state.valid_loss, loop.state.best) == (None, None)
    assert events.of(protocol.Evaluated) == []
    found, damaged = latest_checkpoint(plan.checkpoints)
    assert found is not None
    assert (found.state.step, damaged) == (8, [])


def lose_number(
    preparation: Preparation,
    monkeypatch: pytest.MonkeyPatch,
    chosen: Callable[[NDArray[np.int32]], NDArray[np.bool_]],
) -> None:
    """Let the losses of chosen held-out samples be no numbers."""
    losses = preparation.training.losses

    def without(batch: Batch) -> NDArray[np.float32]:
        found = losses(batch)
        found[chosen(batch.samples)] = np.nan
        return found

    monkeypatch.setattr(preparation.training, "losses", without)


def poison(preparation: Preparation, monkeypatch: pytest.MonkeyPatch, steps: set[int]) -> None:
    """Let the batches of these steps, counted as they are asked for, have targets of no number."""
    batches, begin = preparation.batches, preparation.training.begin
    poisoned = [
        dataclasses.replace(part, learned=part.learned * mx.nan)
        for step in steps
        for part in batches[step]
    ]
    asked = itertools.count()

    def begin_poisoned(parts: Sequence[Batch], rate: float) -> PendingStep:
        return begin(poisoned[:1] if next(asked) in steps else parts, rate)

    monkeypatch.setattr(preparation.training, "begin", begin_poisoned)


def is_finite(preparation: Preparation, plan: LoopPlan) -> bool:
    tensors = dict(flatten(preparation.loaded.model.trainable_parameters()))
    for path in plan.checkpoints.rglob("*.safetensors"):
        tensors |= {f"{path}:{name}": array for name, array in load_tensors(path).items()}
    return all(bool(mx.isfinite(array.astype(mx.float32)).all()) for array in tensors.values())


def test_a_batch_without_a_number_is_skipped_and_counted(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation, loop = make_loop(plan, events)
    poison(preparation, monkeypatch, {2, 5})
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    assert [event.step for event in events.of(protocol.StepSkipped)] == [3, 6]
    assert [event.step for event in events.of(protocol.StepDone)] == [1, 2, 4, 5, 7, 8]
    assert loop.state.course.skipped == 2
    assert is_finite(preparation, plan)


def test_a_skipped_batch_changes_nothing(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation, _ = make_loop(plan, events)
    training, batch = preparation.training, preparation.batches[0]
    training(batch, rate=5e-3)
    before = bits(flatten(training.model.parameters()) | flatten(training.optimizer.state))
    poison(preparation, monkeypatch, {0})
    _, learned = training.begin(batch, rate=0.0).result()
    assert not learned
    after = bits(flatten(training.model.parameters()) | flatten(training.optimizer.state))
    assert {name for name in after if after[name] != before[name]} <= {"learning_rate"}


def test_a_run_astray_goes_back_and_on_at_half_the_rate(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation, loop = make_loop(plan, events)
    poison(preparation, monkeypatch, {4, 5, 6})
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    (back,) = events.of(protocol.RolledBack)
    assert (back.step, back.rate) == (6, 0.5)
    rates = [event.learning_rate for event in events.of(protocol.StepDone)]
    assert loop.state.course.rollbacks == 1
    assert loop.state.step == 8
    assert rates[-1] < rates[0]
    assert is_finite(preparation, plan)


def test_a_run_astray_passes_over_a_damaged_checkpoint_and_writes_it_anew(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation, loop = make_loop(dataclasses.replace(plan, steps=12), events)
    poison(preparation, monkeypatch, {6, 7, 8})
    damaged: list[int] = []

    def damage_the_newest() -> bool:
        if loop.state.course.in_a_row == 2:
            newest = max(plan.checkpoints.glob("step-*"))
            (newest / "adapter.safetensors").write_bytes(b"")
            damaged.append(int(newest.name[5:]))
        return False

    assert loop.run(damage_the_newest) is TrainingEnd.ALL_STEPS
    (back,) = events.of(protocol.RolledBack)
    assert [back.step < step for step in damaged] == [True]
    for path in plan.checkpoints.iterdir():
        assert read_checkpoint(plan.checkpoints, int(path.name[5:])) is not None


def test_a_run_that_stays_astray_ends_with_a_typed_error_and_its_checkpoints(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation, loop = make_loop(dataclasses.replace(plan, steps=200), events)
    poison(preparation, monkeypatch, set(range(4, 200)))
    with pytest.raises(OvernightError) as caught:
        loop.run(never)
    assert caught.value.kind is ErrorKind.NO_LEARNING
    assert caught.value.hint
    assert len(events.of(protocol.RolledBack)) == 3
    assert "step-000003" in steps_saved(plan)
    assert is_finite(preparation, plan)


def test_a_run_stops_when_it_no_longer_helps_and_keeps_the_best(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    preparation, loop = make_loop(
        dataclasses.replace(plan, steps=60, learning_rate=0.2, checkpoint_every=500), events
    )
    assert loop.run(never) is TrainingEnd.NO_GAIN
    best = [event for event in events.of(protocol.Evaluated) if event.best][-1]
    assert loop.state.step < 60
    assert loop.state.valid_loss == best.loss
    assert loop.state.kept_step == best.step
    kept = read_checkpoint(plan.checkpoints, best.step)
    assert kept is not None
    assert bits(kept.adapter) == adapter_bits(preparation)


def test_a_run_whose_best_is_lost_keeps_the_last_and_says_so(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder
) -> None:
    longer = dataclasses.replace(plan, steps=60, learning_rate=0.2, checkpoint_every=500)
    _, loop = make_loop(longer, events)

    def lose_the_best() -> bool:
        best = loop.state.best
        if best is not None and best.evaluations_since == PATIENCE - 1:
            for file in (plan.checkpoints / f"step-{best.step:06d}").glob("adapter*"):
                file.write_bytes(b"")
        return False

    assert loop.run(lose_the_best) is TrainingEnd.NO_GAIN
    assert loop.state.kept_step is None
    assert any("could not be read" in notice.text for notice in events.of(protocol.Notice))


def test_at_checkpoints_the_model_is_asked(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder, tmp_path: Path
) -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        assert not preparation.loaded.model.training  # dropout would draw
        return f"answer {len(asked)}"

    preparation, loop = make_loop(dataclasses.replace(plan, prompt="Who?", ask=ask), events)
    loop.run(never)
    spoke = events.of(protocol.Spoke)
    assert [event.text for event in spoke] == [f"answer {i + 1}" for i in range(len(spoke))]
    assert {3, 6} <= {event.step for event in spoke}
    assert set(asked) == {"Who?"}


def test_the_held_out_loss_is_told_by_note(
    make_loop: MakeLoop, plan: LoopPlan, events: Recorder, dataset: Dataset
) -> None:
    _, loop = make_loop(plan, events)
    loop.run(never)
    notes = {sample.note for sample in dataset.held_out}
    assert loop.state.valid_by_note.keys() == loop.state.base_valid_by_note.keys() == notes
    assert min(loop.state.valid_by_note.values()) <= loop.state.valid_loss  # type: ignore[operator]
