"""A training that asks for its facts under way goes on exactly, wherever it is cut."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import mlx.core as mx
import msgspec
import numpy as np
import pytest

from mlx_backend import protocol
from mlx_backend.dataset.samples import Dataset, KnownBefore
from mlx_backend.library import Library
from mlx_backend.machine.arrays import flatten
from mlx_backend.protocol import TrainingEnd, TrainSpec
from mlx_backend.run.preparation import Preparation, prepare
from mlx_backend.training import recall
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.checkpoints import latest_checkpoint, looks_before
from mlx_backend.training.evaluating import HeldOut
from mlx_backend.training.looks import QUARTERS, Look
from mlx_backend.training.loop import LoopPlan, TrainingLoop
from mlx_backend.training.step import PendingStep, TrainingStep
from tests.mlx_backend.arrays import bits
from tests.mlx_backend.training.recorder import Recorder

Make = Callable[[LoopPlan, Recorder], tuple[Preparation, TrainingLoop]]
PASSES = 6


@pytest.fixture
def few(dataset: Dataset) -> Dataset:
    """So few samples that there are many passes: those of some facts, and some of none."""
    facts = sorted({each.fact for each in dataset.train if each.fact})[:3]
    chosen = [s for fact in facts for s in [s for s in dataset.train if s.fact == fact][:4]]
    others = [s for s in dataset.train if not s.fact][:2]
    return msgspec.structs.replace(dataset, train=(*chosen, *others))


@pytest.fixture
def make(filled_library: Library, spec: TrainSpec, few: Dataset) -> Make:
    def make_loop(plan: LoopPlan, report: Recorder) -> tuple[Preparation, TrainingLoop]:
        fresh = prepare(filled_library, spec, few)
        loop = TrainingLoop(fresh.training, fresh.batches, HeldOut(), plan, report)
        return fresh, loop

    return make_loop


@pytest.fixture
def plan(make: Make, tmp_path: Path) -> LoopPlan:
    made, _ = make(
        LoopPlan(steps=1, learning_rate=0, checkpoint_every=1, checkpoints=tmp_path), Recorder()
    )
    return LoopPlan(
        steps=made.batches.steps(PASSES),
        learning_rate=5e-3,
        checkpoint_every=2,
        checkpoints=tmp_path / "checkpoints",
    )


@pytest.fixture(autouse=True)
def some_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model knows nothing; so what it finds likelier than usual counts as known."""
    monkeypatch.setattr(recall, "KNOWN", 2e-4)
    monkeypatch.setattr(recall, "ON_THE_WAY", 2e-4)


def never() -> bool:
    return False


def factors(preparation: Preparation) -> dict[str, bytes]:
    return bits(flatten(preparation.loaded.model.trainable_parameters()))


def test_the_facts_are_asked_for_at_each_quarter(make: Make, plan: LoopPlan) -> None:
    made, loop = make(plan, Recorder())
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    looks = loop.state.looks
    quarters = [-(-plan.steps * quarter // QUARTERS) for quarter in range(1, QUARTERS)]
    assert [look.step for look in looks] == [max(made.batches.steps(1), at) for at in quarters]
    batches = made.batches.after(looks)
    assert all(batches.passes_begun(each.step) == each.passes for each in looks)
    assert {*looks[-1].known, *looks[-1].missed} == {*loop.coverage.known, *loop.coverage.missed}
    assert any(look.missed for look in looks)
    assert any(look.known for look in looks)  # else the tests below would show less


def test_no_look_before_each_sample_was_seen_once(make: Make, plan: LoopPlan) -> None:
    made, _ = make(plan, Recorder())
    short = dataclasses.replace(plan, steps=made.batches.steps(1))
    _, loop = make(short, Recorder())
    loop.run(never)
    assert loop.state.looks == ()
    assert loop.coverage.missed  # but in the end the facts are asked for


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("number", [0, -1])
def test_a_run_cut_around_a_look_ends_with_the_very_same_bits(
    make: Make, plan: LoopPlan, tmp_path: Path, number: int, offset: int
) -> None:
    """Killed, not stopped: what is not in a checkpoint is lost."""
    whole, loop = make(dataclasses.replace(plan, checkpoints=tmp_path / "whole"), Recorder())
    loop.run(never)
    at = loop.state.looks[number].step + offset
    first = Recorder()
    _, cut = make(dataclasses.replace(plan, checkpoint_every=at), first)

    class Killed(Exception):
        pass

    def kill() -> bool:
        if len(first.of(protocol.StepDone)) > at:
            raise Killed
        return False

    with pytest.raises(Killed):
        cut.run(kill)
    mx.random.normal((3,))
    resumed, continued = make(plan, Recorder())
    assert continued.resume() == at
    assert continued.run(never) is TrainingEnd.ALL_STEPS
    assert factors(resumed) == factors(whole)
    assert continued.state.looks == loop.state.looks
    assert continued.coverage == loop.coverage


def test_the_findings_make_a_difference(
    make: Make, plan: LoopPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the test above would prove nothing about them."""
    one, loop = make(dataclasses.replace(plan, checkpoints=tmp_path / "a"), Recorder())
    loop.run(never)
    monkeypatch.setattr(recall, "KNOWN", 0.7)  # nothing is known
    other, second = make(dataclasses.replace(plan, checkpoints=tmp_path / "b"), Recorder())
    second.run(never)
    assert factors(one) != factors(other)


def test_a_roll_back_behind_a_look_asks_again(
    make: Make, plan: LoopPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, loop = make(dataclasses.replace(plan, checkpoint_every=100), Recorder())
    begin, looked = made.training.begin, list[int]()

    def poisoned(parts: Sequence[Batch], rate: float) -> PendingStep:
        if loop.state.looks and len(looked) < 3:
            looked.append(loop.state.step)
            parts = [dataclasses.replace(p, learned=p.learned * mx.nan) for p in parts]
        return begin(parts, rate)

    monkeypatch.setattr(made.training, "begin", poisoned)
    steps: list[int] = []
    look = recall.Recall.look

    def counted(self: recall.Recall, training: TrainingStep, step: int, passes: int) -> Look:
        steps.append(step)
        return look(self, training, step, passes)

    monkeypatch.setattr(recall.Recall, "look", counted)
    assert loop.run(never) is TrainingEnd.ALL_STEPS
    assert len(looked) == 3
    assert steps[0] == steps[1]
    assert [each.step for each in loop.state.looks] == sorted({*steps})


def test_a_checkpoint_of_an_earlier_version_goes_on_without_looks(
    make: Make, plan: LoopPlan
) -> None:
    first = Recorder()
    _, loop = make(plan, first)
    loop.run(lambda: len(first.of(protocol.StepDone)) >= 3)
    checkpoint, _ = latest_checkpoint(plan.checkpoints)
    assert checkpoint is not None
    state = msgspec.to_builtins(checkpoint.state)
    state.pop("looks")
    older = msgspec.convert(state, type(checkpoint.state), strict=False)
    assert older.looks == ()


def test_what_was_found_can_be_read_without_the_model(make: Make, plan: LoopPlan) -> None:
    _, loop = make(plan, Recorder())
    assert looks_before(plan.checkpoints) == ()
    loop.run(never)
    assert looks_before(plan.checkpoints) == loop.state.looks
    newest = max(plan.checkpoints.glob("step-*"))
    (newest / "state.json").write_bytes(b"{")
    assert looks_before(plan.checkpoints) == loop.state.looks
    shutil.rmtree(plan.checkpoints)
    assert looks_before(plan.checkpoints) == ()


def test_what_the_ledger_knows_counts_from_the_first_pass_on(
    filled_library: Library, spec: TrainSpec, few: Dataset, plan: LoopPlan, tmp_path: Path
) -> None:
    known, missed, _ = sorted({each.fact for each in few.train if each.fact})
    before = msgspec.structs.replace(few, known_before=KnownBefore((known,), (missed,)))
    made = prepare(filled_library, spec, before)
    size = made.batches.steps(1)
    came = [
        before.train[number].fact
        for step in range(size)
        for part in made.batches[step]
        for number in part.samples[np.append(True, np.diff(part.samples) != 0)].tolist()
    ]
    number = {fact: sum(s.fact == fact for s in few.train) for fact in (known, missed)}
    assert came.count(known) <= number[known] / 2
    assert came.count(missed) >= 2 * number[missed] - size  # twins may lie side by side
    loop = TrainingLoop(made.training, made.batches, HeldOut(), plan, Recorder())
    at_start = Look(0, 0, (known,), (missed,))
    assert loop.state.looks == (at_start,)
    loop.run(never)
    assert loop.state.looks[0] == at_start
    assert len(loop.state.looks) == 4
    again = prepare(filled_library, spec, before)
    resumed = TrainingLoop(again.training, again.batches, HeldOut(), plan, Recorder())
    resumed.resume()
    assert resumed.state.looks == loop.state.looks


def test_the_last_look_is_of_the_parameters_that_are_kept(
    make: Make, plan: LoopPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, loop = make(plan, Recorder())
    seen: list[dict[str, bytes]] = []
    last = recall.Recall.last_look

    def noting(self: recall.Recall, training: TrainingStep, step: int, passes: int) -> Look:
        seen.append(factors(made))
        return last(self, training, step, passes)

    monkeypatch.setattr(recall.Recall, "last_look", noting)
    loop.run(never)
    assert seen == [factors(made)]
