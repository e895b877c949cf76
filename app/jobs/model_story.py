"""A download or an adoption in words: where it is, how fast, how long it still takes."""

from __future__ import annotations

from app.jobs.snapshot import JobSnapshot
from app.text import amounts
from app.text.error_text import trouble
from mlx_backend.jobs import JobState
from mlx_backend.protocol import DownloadSpec, Progress

_STAGES = {
    "looking up": "Asking the Hub",
    "downloading": "Downloading",
    "looking": "Looking at it",
    "placing": "Bringing its files here",
    "comparing": "Checking its files",
    "checking": "Checking its files",
    "trying": "Trying it out",
    "quantising": "Making its weights smaller",
}


def doing(job: JobSnapshot) -> str:
    """What a job does now, or where it stands: '1.2 of 2.3 GB · 48 MB/s · about 2 minutes left'."""
    match job.state:
        case JobState.STARTING:
            return "Starting…"
        case JobState.FAILED:
            error = job.status.error
            return trouble(error.to_error()) if error is not None else "It failed."
        case JobState.STOPPED | JobState.INTERRUPTED:
            return _joined("Paused", amount(job.status.progress))
    if job.stopping:
        return _joined("Pausing…", amount(job.status.progress))
    if job.waiting is not None:
        return amounts.regional(job.waiting.text)
    return _working(job)


def remaining(progress: Progress) -> str:
    """How long it still takes, "" where that is not known."""
    if progress.remaining_s is None:
        return ""
    return f"{amounts.duration(progress.remaining_s)} left"


def amount(progress: Progress | None) -> str:
    """How much of how much: '1.2 GB of 2.3 GB'; "" before that is known."""
    if progress is None or not progress.total:
        return ""
    if progress.unit == "percent":
        return amounts.percent(progress.done, progress.total)
    if progress.unit != "bytes":
        return f"{amounts.part(progress.done, progress.total)} {progress.unit}"
    return f"{amounts.size(progress.done)} of {amounts.size(progress.total)}"


def stage_name(job: JobSnapshot) -> str:
    """The present stage in words."""
    known = _STAGES.get(job.status.stage)
    if known is not None:
        return known
    if job.status.stage:
        return job.status.stage.capitalize()
    return "Asking the Hub" if isinstance(job.spec, DownloadSpec) else "Looking at it"


def _working(job: JobSnapshot) -> str:
    progress = job.status.progress
    if progress is None or not progress.total:
        return f"{stage_name(job)}…"
    told = amounts.regional(progress.text)
    is_fetching = progress.unit == "bytes"
    what = "" if is_fetching and job.status.stage in ("", "downloading") else stage_name(job)
    return _joined(what, amount(progress), told, remaining(progress))


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))
