"""The numbers of a run, each with what it means."""

from __future__ import annotations

from dataclasses import dataclass

from app.jobs.snapshot import JobSnapshot
from app.text import amounts
from app.tonight.run_story import held_out_losses, is_studying
from mlx_backend.protocol import Progress

_OF_STAGE = {"answering": "of this ", "studying": "of study ", "checking": "of checking "}


@dataclass(frozen=True)
class Figure:
    """A number with what it means, and how it is known where that needs saying."""

    value: str
    meaning: str
    source: str = ""


def figures(run: JobSnapshot, now: float) -> list[Figure]:
    """The numbers that everybody asks for, at the Unix time `now`, the most telling first."""
    status = run.status
    found = []
    if status.steps:
        found.append(Figure(amounts.percent(status.step, status.steps), "of the learning"))
    if run.worked_s or run.is_active:
        found.append(Figure(amounts.clock(elapsed(run, now)), "worked"))
    return [*found, *_study(run), *_remaining(run, now), *_machine(run)]


def details(run: JobSnapshot) -> list[Figure]:
    """Numbers for people who know how training works."""
    status, found = run.status, []
    if status.steps:
        found.append(Figure(amounts.part(status.step, status.steps), "steps"))
    found += _losses(run)
    if status.latest is not None:
        found.append(Figure(amounts.number(status.latest.tokens_per_second), "tokens a second"))
    return found


def elapsed(run: JobSnapshot, now: float) -> float:
    """The seconds that the run has worked, without waits and interruptions."""
    is_working = run.is_active and run.waiting is None and run.latest_at > 0
    return run.worked_s + (max(0.0, now - run.latest_at) if is_working else 0.0)


def _study(run: JobSnapshot) -> list[Figure]:
    progress = run.status.progress
    if progress is None or not progress.total or not is_studying(run):
        return []
    found = [Figure(amounts.part(progress.done, progress.total), f"{progress.unit} studied")]
    kept, _, meaning = amounts.regional(progress.text).partition(" ")
    return [*found, Figure(kept, meaning)] if meaning else found


def stage_remaining_s(progress: Progress, now: float) -> float:
    """The seconds that a stage still takes at `now`, by its last own estimate."""
    return max(0.0, (progress.remaining_s or 0.0) - (now - progress.at))


def _remaining(run: JobSnapshot, now: float) -> list[Figure]:
    latest, progress = run.status.latest, run.status.progress
    if not run.is_active or run.stopping:
        return []
    if progress is not None and progress.remaining_s is not None and run.waiting is None:
        left = stage_remaining_s(progress, now)
        of_stage = _OF_STAGE.get(run.status.stage, "")
        # None where the stage takes longer than was expected.
        return [Figure(amounts.duration(left), f"{of_stage}left")] if left else []
    if latest is None:
        return []
    time, error = amounts.estimate(latest.remaining_s, latest.remaining_error_s)
    return [Figure(time, f"left, {error}" if error else "left")]


def _losses(run: JobSnapshot) -> list[Figure]:
    losses = held_out_losses(run)
    if losses is not None:
        before, now = (amounts.number(loss, 2) for loss in losses)
        return [Figure(now, f"held-out loss; before: {before}")]
    if run.status.latest is not None:
        return [Figure(amounts.number(run.status.latest.loss, 2), "training loss")]
    return []


def _machine(run: JobSnapshot) -> list[Figure]:
    latest, energy, planned = run.status.latest, run.night.energy, run.night.planned
    found = []
    if latest is not None:
        machine = planned.machine_bytes if planned else 0
        meaning = f"memory at most, of {amounts.size(machine)}" if machine else "memory at most"
        found.append(Figure(amounts.size(latest.peak_bytes), meaning))
    if energy is not None and energy.watt_hours > 0:
        found.append(Figure(f"about {amounts.energy(energy.watt_hours)}", "of energy", energy.how))
    return found
