"""What is left to do after publishing broke off, in words that the terminal and window share."""

from __future__ import annotations

from mlx_backend.jobs.status import JobStatus


def go_on(status: JobStatus) -> str:
    """How to go on, and whether something was sent before the job of this `status` broke off."""
    if status.stage == "publishing" and status.progress is not None and status.progress.done:
        return "Publish again to go on: what was sent is not sent again."
    return "Nothing was sent. Publish again to start anew."
