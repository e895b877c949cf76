from __future__ import annotations

from pathlib import Path

import pytest

from app.jobs.snapshot import JobRecord, JobSnapshot, Wishes
from app.tonight import run_figures
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState
from tests.app.recorded import long_night, step_done


def record_of(*events: protocol.JobEvent) -> JobRecord:
    spec = protocol.TrainSpec(name="Notes", model="starter", prompt="Who am I?")
    record = JobRecord(JobFolder(Path("/library/runs/one")), spec)
    for event in events:
        record.apply(event)
    return record


def run_of(*events: protocol.JobEvent, state: JobState = JobState.RUNNING) -> JobSnapshot:
    return record_of(*events).snapshot(state, Wishes())


def marks_of(*events: protocol.JobEvent) -> list[tuple[str, int, str]]:
    return [(mark.kind, mark.step, mark.text) for mark in run_of(*events).night.marks]


def kept(run: JobSnapshot) -> int:
    """How many things a snapshot holds on to."""
    night = run.night
    curves = len(night.training) + len(night.held_out)
    return curves + len(night.marks) + len(night.spoken) + len(run.status.notices)


def test_the_longest_night_is_kept_in_bounds() -> None:
    record = record_of()
    counts = []
    for number, event in enumerate(long_night(120_000), 1):
        record.apply(event)
        if number % 30_000 == 0:
            counts.append(kept(record.snapshot(JobState.RUNNING, Wishes())))
    assert max(counts) < 30_000
    assert counts[-1] <= max(counts[:-1]) * 1.05, "it does not go on growing"
    run = record.snapshot(JobState.RUNNING, Wishes())
    assert run.night.training.steps[0] == 1
    assert run.night.training.steps[-1] == run.status.step
    assert {mark.kind for mark in run.night.marks} == {
        "checkpoint",
        "interruption",
        "rolled back",
        "skipped",
        "wait",
    }


def test_snapshots_do_not_change_any_more() -> None:
    record = record_of(*(step_done(n) for n in range(1, 11)), protocol.Notice(text="One."))
    before = record.snapshot(JobState.RUNNING, Wishes())
    for event in (step_done(11), protocol.Notice(text="Two."), protocol.CheckpointSaved(step=11)):
        record.apply(event)
    assert len(before.night.training) == 10
    assert before.status.notices == ["One."]
    assert before.night.marks == ()
    assert before.night.said == "One."


def test_what_happened_on_the_way_is_marked() -> None:
    text = "The training ran out of memory at step 2. It goes on from its beginning."
    assert marks_of(
        protocol.Launched(at=1.0),
        protocol.Started(at=1.0, pid=1),
        protocol.StageBegan(stage="training"),
        step_done(1),
        protocol.CheckpointSaved(step=1),
        step_done(2),
        protocol.AttemptEnded(ending="out of memory", step=2, text=text),
        protocol.Started(pid=1, resumed_from=1),
        protocol.StageBegan(stage="training"),
        protocol.StepSkipped(step=2),
        protocol.Waiting(at=100.0, reason="heat", text="It is hot."),
        protocol.WaitOver(at=400.0),
    ) == [
        ("stage", 0, "Learning your notes."),
        ("checkpoint", 1, "Saved: it can go on from here."),
        ("interruption", 2, text),
        (
            "skipped",
            2,
            "Skipped: the numbers made no sense, so nothing was learned here.",
        ),
        ("wait", 1, "Waited 5 min. It is hot."),
    ]


def test_going_on_after_a_stop_or_a_power_cut_is_marked() -> None:
    started = (protocol.Launched(at=1.0), protocol.Started(at=1.0, pid=1), step_done(7))
    again = protocol.Launched(at=500.0)
    assert marks_of(*started) == []
    assert marks_of(*started, again) == [
        ("interruption", 7, "Interrupted here, and continued later.")
    ]
    assert marks_of(*started, protocol.Stopped(step=7), again) == [
        ("interruption", 7, "Stopped here, and continued later.")
    ]


def test_a_roll_back_takes_the_curves_back_and_is_marked_where_it_began() -> None:
    best = protocol.Evaluated(step=9, loss=1.0, best=True)
    run = run_of(*(step_done(n) for n in range(1, 10)), best, protocol.RolledBack(step=5, rate=0.5))
    assert run.night.training.steps[-1] == 5
    assert run.night.best is None
    assert len(run.night.held_out) == 0
    (mark,) = run.night.marks
    assert (mark.kind, mark.step) == ("rolled back", 9)
    assert "went back a little" in mark.text


def test_the_best_is_the_one_that_the_run_calls_so() -> None:
    best = protocol.Evaluated(step=10, loss=2.0, best=True)
    run = run_of(best, protocol.Evaluated(step=20, loss=2.5))
    assert run.night.best == best


def test_waiting_is_no_work() -> None:
    events = (
        protocol.Launched(at=0.0),
        protocol.Started(at=10.0, pid=1),
        protocol.Waiting(at=10.0, reason="time", text="It starts at 23:00."),
        protocol.WaitOver(at=5_000.0),
        protocol.StageBegan(at=5_060.0, stage="training"),
    )
    assert run_of(*events).worked_s == pytest.approx(60.0)
    waiting = run_of(*events[:3])
    assert waiting.waiting is not None
    assert run_figures.elapsed(waiting, now=4_000.0) == 0.0


def test_an_interruption_is_told_until_the_next_checkpoint() -> None:
    ended = protocol.AttemptEnded(ending="crash", step=3, text="It crashed.")
    assert run_of(step_done(3), ended).night.said == "It crashed."
    assert run_of(step_done(3), ended, protocol.CheckpointSaved(step=4)).night.said == ""


def test_time_left_memory_and_energy_are_told_with_what_they_mean() -> None:
    step = protocol.StepDone(
        step=5,
        steps=100,
        loss=2.0,
        learning_rate=1e-3,
        tokens_per_second=812.0,
        peak_bytes=2_400_000_000,
        elapsed_s=60.0,
        remaining_s=2 * 3600 + 600,
        remaining_error_s=900.0,
    )
    planned = protocol.Planned(
        notes=1, samples=2, held_out=1, steps=100, machine_bytes=16_000_000_000
    )
    energy = protocol.EnergyUsed(watt_hours=123.0, how="estimated")
    figures = run_figures.figures(run_of(planned, step, energy), now=0.0)
    said = [f"{figure.value} {figure.meaning}" for figure in figures]
    assert "about 2 h 10 min left, give or take 15 min" in said
    assert "2.4 GB memory at most, of 16.0 GB" in said
    assert "about 0.1 kWh of energy" in said


def test_hostile_text_and_numbers_are_only_text_and_numbers() -> None:
    run = run_of(
        protocol.Launched(at=1.0),
        protocol.AttemptEnded(ending="crash", step=10**15, text="<b>\x00" * 1000),
        protocol.Evaluated(step=10**15, loss=1e308),
        protocol.Spoke(step=-5, prompt="", text=""),
        protocol.StageBegan(stage=""),
        protocol.WaitOver(),
    )
    assert run.night.held_out.losses[0] == 1e308
    assert [mark.kind for mark in run.night.marks] == ["interruption", "stage"]
