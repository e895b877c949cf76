from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import msgspec
import pytest

from app.jobs.planner import Plan
from app.jobs.snapshot import JobRecord, JobSnapshot, Wishes
from app.tonight import plan_story, run_figures, run_story
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library.notes import Totals
from tests.app.recorded import PLAN, step_done


def run_of(*events: protocol.JobEvent, state: JobState, stopping: bool = False) -> JobSnapshot:
    spec = protocol.TrainSpec(name="Notes", model="starter")
    record = JobRecord(JobFolder(Path("/library/runs/one")), spec)
    for event in events:
        record.apply(event)
    return record.snapshot(state, Wishes(stop=stopping))


def test_one_note_is_not_one_notes() -> None:
    plan = msgspec.convert(PLAN | {"steps": 1, "minutes": 1.0}, Plan)
    assert plan_story.plan_sentence(plan, Totals(notes=1, words=1, tokens=2)) == (
        "Tonight I will study 1 note (1 word). That takes about 1 minute and 2.1 GB of memory."
    )


def test_before_study_a_plan_is_an_estimate() -> None:
    plan = msgspec.convert(PLAN | {"unstudied": 104}, Plan)
    sentence = plan_story.plan_sentence(plan, Totals(notes=25, words=1443, tokens=2000))
    assert "This is an estimate" in sentence
    now = time.mktime((2026, 11, 23, 21, 0, 0, 0, 0, -1))
    says = plan_story.schedule(plan_story.Hours(longest=8), plan, now)
    assert says == "Starts now, done by about 21:12, and by 5:00 tomorrow at the latest."


def test_what_is_left_of_a_stage_counts_down() -> None:
    studying = (
        protocol.StageBegan(at=100.0, stage="studying"),
        protocol.Progress(at=100.0, done=8, total=104, unit="passages", remaining_s=600.0),
    )
    run = run_of(*studying, state=JobState.RUNNING)
    for now, left in ((100.0, "about 10 minutes"), (400.0, "about 5 minutes")):
        assert run_figures.Figure(left, "of study left") in run_figures.figures(run, now)
    late = run_figures.figures(run, now=9000.0)  # it takes longer, and nobody knows how long
    assert not any(figure.meaning == "of study left" for figure in late)


def test_a_plan_that_does_not_fit_says_what_to_do() -> None:
    plan = msgspec.convert(PLAN, Plan)
    assert plan_story.warning(plan) == ""
    tight = msgspec.structs.replace(plan, fits=False)
    assert "Close other large programs" in plan_story.warning(tight)
    assert "choose a smaller base model under Models" in plan_story.warning(tight)
    named = msgspec.structs.replace(tight, instead="little")
    assert "choose the base model “little”, which fits, under Models" in plan_story.warning(named)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (protocol.StageBegan(stage="preparing"), "Preparing the model…"),
        (protocol.StageBegan(stage="dreaming"), "Dreaming…"),
        (protocol.Progress(done=3, total=12, unit="batches"), "Working: 3 of 12 batches…"),
        (protocol.Progress(done=3, total=0, unit="batches"), "Working: 3 batches…"),
        (protocol.Progress(done=12, total=40, unit="questions"), "Exam: 12 of 40 questions…"),
        (protocol.Progress(done=0, total=0, unit="questions"), "Exam…"),
    ],
)
def test_what_it_is_doing(event: protocol.JobEvent, says: str) -> None:
    assert run_story.doing(run_of(event, state=JobState.RUNNING)) == says


def test_stopping_says_that_nothing_is_lost() -> None:
    run = run_of(step_done(3), state=JobState.RUNNING, stopping=True)
    assert "Everything learned so far is kept" in run_story.doing(run)
    assert run_story.state_of(run) == "Stopping"
    assert all(figure.meaning != "left" for figure in run_figures.figures(run, now=0.0))


def test_adapter_may_have_got_another_name() -> None:
    done = protocol.Finished(result={"adapter": "Notes 2"})
    assert run_of(done, state=JobState.FINISHED).adapter == "Notes 2"


def test_result_tells_the_losses() -> None:
    done = protocol.Finished(result={"base_valid_loss": 4.0, "valid_loss": 1.25})
    assert "closer than before" in run_story.outcome(run_of(done, state=JobState.FINISHED))


def test_a_loss_that_did_not_fall_is_not_praised() -> None:
    done = protocol.Finished(result={"base_valid_loss": 4.0, "valid_loss": 4.5})
    run = run_of(done, state=JobState.FINISHED)
    assert "closer" not in run_story.outcome(run)
    assert run_figures.Figure("4.50", "held-out loss; before: 4.00") in run_figures.details(run)


def test_time_goes_on_between_two_events() -> None:
    events = (protocol.Started(at=100.0, pid=1), protocol.Notice(at=160.0, text="Halfway."))
    run = run_of(*events, state=JobState.RUNNING)
    assert run_figures.elapsed(run, now=165.0) == 65.0
    over = dataclasses.replace(run, status=dataclasses.replace(run.status, state=JobState.STOPPED))
    assert run_figures.elapsed(over, now=9000.0) == 60.0
    assert run_story.notice(run) == "Halfway."


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(0, 9, "it answers 9; before, it answered 0."), (4, 4, "this did not help")],
)
def test_the_exam_is_told_when_it_is_done(before: int, after: int, said: str) -> None:
    result: dict[str, object] = {
        "notes": 3,
        "exam_asked": 24,
        "exam_before": before,
        "exam_after": after,
    }
    done = protocol.Finished(result=result)
    story = run_story.outcome(run_of(done, state=JobState.FINISHED))
    assert "24 questions" in story
    assert said in story


SAVED = protocol.CheckpointSaved(step=50)
STOPPED, INTERRUPTED, FAILED = JobState.STOPPED, JobState.INTERRUPTED, JobState.FAILED
_ERROR = protocol.ErrorReport(kind="crashed", message="It crashed.", hint="Look at the log.")
CRASHED = protocol.Failed(error=_ERROR)


@pytest.mark.parametrize(
    ("events", "state", "studied", "says", "strip"),
    [
        (
            [step_done(50), SAVED, step_done(70)],
            INTERRUPTED,
            True,
            "This run was interrupted after 70 percent of the learning, perhaps because the"
            " computer was switched off. It saved last after 50 percent, and can go on from there.",
            "Interrupted. You can go on from 50 percent.",
        ),
        (
            [step_done(20)],
            INTERRUPTED,
            False,
            "This run was interrupted after 20 percent of the learning, perhaps because the"
            " computer was switched off. It had not saved anything yet; it starts again"
            " from the beginning.",
            "Interrupted before anything was saved. You can start it again.",
        ),
        (
            [protocol.StageBegan(stage="studying")],
            INTERRUPTED,
            True,
            "This run was interrupted, perhaps because the computer was switched off."
            " No training was saved yet, so that starts again from the beginning."
            " What it has studied is kept.",
            "Interrupted with its study kept. You can start it again.",
        ),
        (
            [step_done(50), SAVED],
            STOPPED,
            False,
            "You stopped this run after 50 percent of the learning. Nothing is lost: it can"
            " go on from there.",
            "Stopped. You can go on from 50 percent.",
        ),
        (
            [step_done(50), SAVED, step_done(60)],
            STOPPED,
            False,
            "You stopped this run after 60 percent of the learning. It saved last after"
            " 50 percent, and can go on from there.",
            "Stopped. You can go on from 50 percent.",
        ),
        (
            [],
            STOPPED,
            False,
            "You stopped this run. It had not saved anything yet; it starts again from the"
            " beginning.",
            "Stopped before anything was saved. You can start it again.",
        ),
        (
            [step_done(50), SAVED, CRASHED],
            FAILED,
            False,
            "It crashed. Look at the log. It saved last after 50 percent, and can"
            " go on from there.",
            "Did not finish. Click to see why.",
        ),
        (
            [step_done(5), CRASHED],
            FAILED,
            False,
            "It crashed. Look at the log. It had not saved anything yet; it starts again from the"
            " beginning.",
            "Did not finish. Click to see why.",
        ),
        ([CRASHED], FAILED, False, "It crashed. Look at the log.", "Did not finish. Click to see"),
    ],
)
def test_a_run_that_did_not_end_says_from_where_it_goes_on(
    events: list[protocol.JobEvent], state: JobState, studied: bool, says: str, strip: str
) -> None:
    run = dataclasses.replace(run_of(*events, state=state), has_studied=studied)
    assert run_story.outcome(run) == says
    assert run_story.ending(run).startswith(strip)


def test_after_a_hint_that_ends_in_a_command_it_is_still_said_how_to_go_on() -> None:
    error = protocol.ErrorReport(
        kind="crashed", message="It crashed.", hint="Start a new run: overnight train --model x"
    )
    run = run_of(step_done(50), SAVED, protocol.Failed(error=error), state=FAILED)
    assert run_story.outcome(run) == (
        "It crashed. Start a new run on the Tonight page. It saved last after 50 percent, and can"
        " go on from there."
    )
