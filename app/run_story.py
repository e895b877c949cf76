"""A run in words: what it is doing, what came of it, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from app import words
from app.job_snapshot import JobSnapshot
from app.planner import Plan
from mlx_backend import protocol
from mlx_backend.jobs import JobState
from mlx_backend.library.notes import Totals

_STAGES = {
    "reading": "Reading your notes",
    "preparing": "Preparing the model",
    "loading": "Loading the model",
    "training": "Learning your notes",
    "checking": "Checking what was learned",
    "saving": "Saving the adapter",
}

_STATES = {
    JobState.STARTING: "Starting",
    JobState.RUNNING: "Running",
    JobState.FINISHED: "Finished",
    JobState.STOPPED: "Stopped",
    JobState.FAILED: "Could not go on",
    JobState.INTERRUPTED: "Interrupted",
}


@dataclass(frozen=True)
class Fact:
    """A number with what it means."""

    value: str
    meaning: str


def name_of(run: JobSnapshot) -> str:
    """What the run makes: the adapter's name."""
    return run.spec.name if isinstance(run.spec, protocol.TrainSpec) else run.id


def adapter_of(run: JobSnapshot) -> str:
    """The adapter that a finished run filed; its name was changed where it had been taken."""
    return str(run.status.result.get("adapter") or name_of(run))


def state_of(run: JobSnapshot) -> str:
    """Where the run stands, in a word or two."""
    return "Stopping" if run.stopping else _STATES[run.state]


def plan_sentence(plan: Plan, totals: Totals) -> str:
    """Tonight in one sentence or two."""
    return (
        f"Tonight I will study {words.count(totals.notes, 'note')}"
        f" ({words.count(totals.words, 'word')}) in {words.count(plan.steps, 'step')}."
        f" That takes {words.duration(plan.minutes * 60)}"
        f" and {words.size(plan.peak_bytes)} of memory."
    )


def warning(plan: Plan) -> str:
    """What to know before starting; "" where all is well."""
    if not plan.fits:
        return (
            f"This computer may not have {words.size(plan.peak_bytes)} of memory free. Close other"
            " large programs, or choose a smaller base model under Models."
        )
    if plan.passes < 1:
        return (
            f"The night is too short for all of it: about {max(1, round(plan.passes * 100))}"
            " percent of your notes will be learned, once. A longer night is under Settings."
        )
    return ""


def doing(run: JobSnapshot) -> str:
    """What an active run is doing now."""
    if run.stopping:
        return "Stopping after this step. Everything learned so far is kept."
    if run.state is JobState.STARTING:
        return "Starting…"
    status = run.status
    stage = _STAGES.get(status.stage, status.stage.capitalize() or "Working")
    progress = status.progress
    if progress is None:
        return f"{stage}…"
    if not progress.total:
        return f"{stage}: {progress.done:,} {progress.unit}…"
    return f"{stage}: {progress.done:,} of {progress.total:,} {progress.unit}…"


def notice(run: JobSnapshot) -> str:
    """What the run itself had to say last; "" for nothing."""
    return run.status.notices[-1] if run.status.notices and not run.state.can_resume else ""


def outcome(run: JobSnapshot) -> str:
    """What came of a run that is over, and what to do next."""
    match run.state:
        case JobState.FINISHED:
            return _achievement(run)
        case JobState.STOPPED:
            return f"You stopped this run{_where(run)}. Nothing is lost: it can go on from there."
        case JobState.INTERRUPTED:
            return (
                f"This run was interrupted{_where(run)}, perhaps because the computer was"
                " switched off. It can go on from its last checkpoint."
            )
        case _:
            error = run.status.error
            happened = error.message if error else "This run could not go on."
            hint = error.hint if error else ""
            return f"{happened} {hint}".strip()


def facts(run: JobSnapshot, now: float) -> list[Fact]:
    """The numbers of a run, the most telling first."""
    status, latest = run.status, run.status.latest
    found = []
    if status.steps:
        found.append(Fact(f"{status.step:,} of {status.steps:,}", "steps"))
    found.append(Fact(words.clock(elapsed(run, now)), "elapsed"))
    if run.is_active and latest is not None and not run.stopping:
        found.append(Fact(words.duration(latest.remaining_s), "left"))
    found += _losses(run)
    if latest is not None:
        found.append(Fact(f"{latest.tokens_per_second:,.0f}", "tokens a second"))
        found.append(Fact(words.size(latest.peak_bytes), "memory at most"))
    return found


def elapsed(run: JobSnapshot, now: float) -> float:
    """The seconds that the run has worked, without those between interruption and resume."""
    since = max(0.0, now - run.latest_at) if run.is_active and run.latest_at else 0.0
    return run.worked_s + since


def _losses(run: JobSnapshot) -> list[Fact]:
    losses = _held_out_losses(run)
    if losses is not None:
        return [Fact(f"{losses[1]:.2f}", f"held-out loss; before: {losses[0]:.2f}")]
    if run.status.latest is not None:
        return [Fact(f"{run.status.latest.loss:.2f}", "training loss")]
    return []


def _held_out_losses(run: JobSnapshot) -> tuple[float, float] | None:
    """Before the training, and after it or at present; None while there are not two."""
    result = run.status.result
    before, after = result.get("base_valid_loss"), result.get("valid_loss")
    if isinstance(before, float) and isinstance(after, float):
        return before, after
    losses = [loss for loss in run.held_out.losses if isfinite(loss)]
    return (losses[0], losses[-1]) if len(losses) >= 2 else None


def _achievement(run: JobSnapshot) -> str:
    learned = run.status.result.get("notes")
    if not isinstance(learned, int):
        learned = run.planned.notes if run.planned else None
    notes = "your notes" if learned is None else words.count(learned, "note")
    sentence = f"It is done: I studied {notes} in {words.duration(run.worked_s)}."
    losses = _held_out_losses(run)
    if losses is not None and losses[1] < losses[0]:
        sentence += (
            " Questions that I kept aside have less surprising answers now:"
            f" their loss fell from {losses[0]:.2f} to {losses[1]:.2f}."
        )
    return sentence


def _where(run: JobSnapshot) -> str:
    status = run.status
    return f" at step {status.step:,} of {status.steps:,}" if status.steps and status.step else ""
