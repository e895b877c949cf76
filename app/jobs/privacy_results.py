"""The privacy page that comes with what a job exported, or was to publish."""

from __future__ import annotations

import msgspec

from app.jobs.snapshot import JobSnapshot
from mlx_backend.jobs import JobState
from mlx_backend.protocol.privacy import PrivacyPage

LINK = "Privacy Page"
"""The button that shows it."""


def page_of(job: JobSnapshot) -> PrivacyPage | None:
    """The page of a finished job; None where it has none, as jobs of earlier versions."""
    told = job.status.result.get("privacy")
    if job.state is not JobState.FINISHED or told is None:
        return None
    try:
        return msgspec.convert(told, PrivacyPage)
    except msgspec.ValidationError:
        return None


def is_held_back(job: JobSnapshot) -> bool:
    """Whether nothing was written or sent because the privacy page is not clear."""
    return job.state is JobState.FINISHED and job.status.result.get("held_back") is True


def seen_in(job: JobSnapshot) -> tuple[str, ...]:
    """The ids of the pages that a job was held back with; none where an earlier version wrote it.

    Shared in spite of none, it is held back again, with a page that has an id.
    """
    told = job.status.result.get("page_id")
    return (told,) if isinstance(told, str) else ()


def found_in_it(page: PrivacyPage) -> str:
    """Whether anything was found, in one sentence."""
    if page.stopped:
        return "Whether there is anything private in it was not tested to the end."
    if page.is_clear:
        return "Nothing private was found in it."
    return "Something private was found in it."
