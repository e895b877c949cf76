"""Publishing an adapter in words: what is done now, how long it still takes, what came of it."""

from __future__ import annotations

from app.jobs import model_story
from app.jobs.privacy_results import is_held_back
from app.jobs.publications import published_by
from app.jobs.snapshot import JobSnapshot
from app.text import amounts
from app.text.error_text import trouble
from mlx_backend.jobs import JobState
from mlx_backend.jobs.broken_publishing import go_on

_STAGES = {
    "looking up": "Asking the Hub",
    "preparing": "Writing its files and checking them",
    "privacy": "Looking for what should not leave",
    "publishing": "Sending it",
}
HELD_BACK = "Nothing was sent, because of what was found in it."


def doing(job: JobSnapshot) -> str:
    """What is done now, or what came of it."""
    match job.state:
        case JobState.FINISHED:
            return _done(job)
        case JobState.FAILED:
            error = job.status.error
            reason = trouble(error.to_error()) if error is not None else go_on(job.status)
            return f"It was not published. {reason}"
        case JobState.STOPPED:
            return f"Publishing was stopped. {go_on(job.status)}"
        case JobState.INTERRUPTED:
            return f"Publishing was interrupted. {go_on(job.status)}"
    return "Stopping…" if job.stopping else _working(job)


def _working(job: JobSnapshot) -> str:
    if job.waiting is not None:
        return amounts.regional(job.waiting.text)
    stage = _STAGES.get(job.status.stage, "Beginning")
    progress = job.status.progress
    if progress is None or not progress.total:
        return f"{stage}…"
    parts = (stage, model_story.amount(progress), amounts.regional(progress.text))
    return " · ".join(filter(None, (*parts, model_story.remaining(progress))))


def _done(job: JobSnapshot) -> str:
    if is_held_back(job):
        return HELD_BACK
    done = published_by(job)
    if done is None:
        return "It was published."
    what = "Published." if done.was_created else "The new version is published."
    return f"{what} {'Only you' if done.is_private else 'Everybody'} can see it."
