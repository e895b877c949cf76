"""The receiving and merging of adapters in words."""

from __future__ import annotations

from pathlib import Path

from app.jobs import model_story
from app.jobs.new_adapters import repository_in
from app.jobs.snapshot import JobSnapshot
from app.text import amounts
from app.text.error_text import trouble
from mlx_backend.jobs import JobState
from mlx_backend.protocol import MergeSpec, ReceiveSpec

_STAGES = {
    "downloading": "Downloading it",
    "reading": "Checking its files",
    "trying": "Trying it with its base model",
    "merging": "Adding up what they learned",
}


def title(job: JobSnapshot) -> str:
    """What is being made: 'Receiving “garden.overnight”'."""
    match job.spec:
        case ReceiveSpec(source=source):
            return f"Receiving “{repository_in(job) or Path(source).name}”"
        case MergeSpec(name=name):
            return f"Merging into “{name}”"
    return ""


def doing(job: JobSnapshot) -> str:
    """Where it is: 'Downloading it · 8 MB of 20 MB · about 10 seconds left'."""
    if job.stopping:
        return "Stopping…"
    if job.waiting is not None:
        return amounts.regional(job.waiting.text)
    stage, progress = _STAGES.get(job.status.stage, "Starting"), job.status.progress
    if progress is None or not progress.total:
        return f"{stage}…"
    told = (model_story.amount(progress), amounts.regional(progress.text))
    return " · ".join(filter(None, (stage, *told, model_story.remaining(progress))))


def why_not(job: JobSnapshot) -> str:
    """Why one came to nothing, and what to do next."""
    error = job.status.error
    if job.state is JobState.FAILED and error is not None:
        return trouble(error.to_error())
    if isinstance(job.spec, ReceiveSpec):
        name = repository_in(job) or Path(job.spec.source).name
        return f"Receiving “{name}” was interrupted. Nothing was added; add it again."
    return "The merging was interrupted. Nothing was added; begin it again."
