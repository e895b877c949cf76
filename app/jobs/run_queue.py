"""The runs that wait for their turn or their hour, in the order in which they will start."""

from __future__ import annotations

from collections.abc import Sequence

from app.jobs.snapshot import JobSnapshot
from mlx_backend.night.queue import Place, place
from mlx_backend.protocol import TrainSpec


def is_queued(run: JobSnapshot) -> bool:
    """Whether a run has not begun yet, and will by itself."""
    return run.waiting is not None and run.waiting.reason in ("time", "turn")


def queued(runs: Sequence[JobSnapshot]) -> list[JobSnapshot]:
    """The queued runs, the next one first."""
    return sorted(filter(is_queued, runs), key=_place)


def last_in_queue(runs: Sequence[JobSnapshot]) -> JobSnapshot | None:
    """The run after which another one would come; None where it would start at once."""
    active = [run for run in runs if run.is_active]
    return max(active, key=lambda run: (is_queued(run), _place(run)), default=None)


def _place(run: JobSnapshot) -> Place:
    assert isinstance(run.spec, TrainSpec)
    return place(run.id, run.spec)
