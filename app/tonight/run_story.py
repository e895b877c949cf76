"""A run in words: what it is doing, what came of it, and what to do next."""

from __future__ import annotations

from app.jobs.run_marks import stage_name
from app.jobs.snapshot import JobSnapshot
from app.text import amounts
from app.text.error_text import in_window
from mlx_backend import protocol
from mlx_backend.jobs import JobState
from mlx_backend.jobs.resume_point import resume_sentence

_STATES = {
    JobState.STARTING: "Starting",
    JobState.RUNNING: "Running",
    JobState.FINISHED: "Finished",
    JobState.STOPPED: "Stopped",
    JobState.FAILED: "Could not go on",
    JobState.INTERRUPTED: "Interrupted",
}


def state_of(run: JobSnapshot) -> str:
    """Where the run stands, in a word or two."""
    if run.stopping:
        return "Stopping"
    if run.is_paused:
        return "Paused"
    return "Waiting" if run.waiting else _STATES[run.state]


def doing(run: JobSnapshot) -> str:
    """What an active run is doing now."""
    if run.stopping:
        return "Stopping in a moment. Everything learned so far is kept."
    if run.pausing:
        return "Pausing in a moment. It gives its memory back until you continue it."
    if run.state is JobState.STARTING:
        return "Starting…"
    if run.waiting is not None:
        return waiting_for(run.waiting)
    status = run.status
    progress = status.progress
    is_exam = progress is not None and progress.unit == "questions"
    stage = "Exam" if is_exam else stage_name(status.stage)
    if progress is None or not (progress.total or progress.done):
        return f"{stage}…"
    kept = f", {amounts.regional(progress.text)}" if is_studying(run) and progress.text else ""
    if not progress.total:
        return f"{stage}: {amounts.number(progress.done)} {progress.unit}{kept}…"
    return f"{stage}: {amounts.part(progress.done, progress.total)} {progress.unit}{kept}…"


def waiting_for(waiting: protocol.Waiting) -> str:
    """What a run waits for; times of day as the person's system writes them."""
    if waiting.reason == "time" and waiting.until:
        return f"It starts at {amounts.time_of_day(waiting.until)}."
    return amounts.regional(waiting.text)


def is_studying(run: JobSnapshot) -> bool:
    """Whether a run is writing samples about the notes now."""
    return run.is_active and run.waiting is None and run.status.stage == "studying"


def notice(run: JobSnapshot) -> str:
    """The run's own latest notice; "" for none."""
    return "" if run.state.can_resume else amounts.regional(run.night.said)


def outcome(run: JobSnapshot) -> str:
    """What came of a run that is over, and what to do next."""
    match run.state:
        case JobState.FINISHED:
            return _achievement(run)
        case JobState.STOPPED:
            if run.status.checkpoint and run.status.checkpoint >= run.status.step:
                return (
                    f"You stopped this run{_where(run)}. Nothing is lost: it can go on from there."
                )
            return f"You stopped this run{_where(run)}. {_goes_on(run)}"
        case JobState.INTERRUPTED:
            return (
                f"This run was interrupted{_where(run)}, perhaps because the computer was"
                f" switched off. {_goes_on(run)}"
            )
        case _:
            error = run.status.error
            happened = error.message if error else "This run could not go on."
            hint = error.hint if error else ""
            has_begun = run.status.step or run.status.checkpoint or run.has_studied
            goes_on = _goes_on(run) if has_begun else ""
            return " ".join(filter(None, (in_window(happened), in_window(hint), goes_on)))


def ending(run: JobSnapshot) -> str:
    """What came of a run that was not finished, in few words."""
    if run.state is JobState.FAILED:
        return "Did not finish. Click to see why."
    state = _STATES[run.state]
    if run.status.checkpoint:
        return f"{state}. You can go on from {_saved(run)}."
    kept = "with its study kept" if run.has_studied else "before anything was saved"
    return f"{state} {kept}. You can start it again."


def held_out_losses(run: JobSnapshot) -> tuple[float, float] | None:
    """The held-out losses before the training and after it (or now); None while there are not two.

    In nats per target token.
    """
    training = run.report.training
    if training.base_valid_loss is not None and training.valid_loss is not None:
        return training.base_valid_loss, training.valid_loss
    losses = run.night.held_out.losses
    return (losses[0], losses[-1]) if len(losses) >= 2 else None


def _achievement(run: JobSnapshot) -> str:
    planned = run.night.planned
    learned = run.report.training.notes or (planned.notes if planned else 0)
    notes = amounts.count(learned, "note") if learned else "your notes"
    sentence = f"It is done: I studied {notes} in {amounts.duration(run.worked_s)}."
    exam = _exam(run)
    if exam:
        return f"{sentence} {exam}"
    losses = held_out_losses(run)
    if losses is not None and losses[1] < losses[0]:
        sentence += (
            " It comes closer than before to the right answers of questions that I set aside."
        )
    return sentence


def _exam(run: JobSnapshot) -> str:
    """How the set-aside questions went before and after; "" where none were asked."""
    exam = run.report.exam
    if not exam.asked:
        return ""
    right, before = amounts.number(exam.after), amounts.number(exam.before)
    sentence = f"Of {amounts.count(exam.asked, 'question')} that I set aside it answers {right}"
    if exam.after > exam.before:
        return f"{sentence}; before, it answered {before}."
    return f"{sentence}, and it was {before} before: so far, this did not help."


def _goes_on(run: JobSnapshot) -> str:
    if run.status.checkpoint:
        return f"It saved last after {_saved(run)}, and can go on from there."
    return resume_sentence(None, run.has_studied)


def _saved(run: JobSnapshot) -> str:
    return amounts.percent(run.status.checkpoint or 0, run.status.steps)


def _where(run: JobSnapshot) -> str:
    status = run.status
    is_known = status.steps and status.step
    return (
        f" after {amounts.percent(status.step, status.steps)} of the learning" if is_known else ""
    )
