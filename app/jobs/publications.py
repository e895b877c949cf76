"""Adapters that are put on the Hub, found again from their job folders."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from PySide6.QtCore import QObject, Signal

from app.jobs.privacy_results import seen_in
from app.jobs.snapshot import JobSnapshot
from app.jobs.watcher import JobWatcher
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobState
from mlx_backend.library.adapters import Adapter
from mlx_backend.protocol import PublishSpec


@dataclass(frozen=True)
class Published:
    """Where an adapter is on the Hub: its page, OWNER/NAME, and whether it is private."""

    url: str
    repository: str
    is_private: bool
    was_created: bool


class Publications(QObject):
    """Starts publishing, and knows the latest of each adapter, whoever began it."""

    changed = Signal()

    ended = Signal(str)
    """The job of this id is over, which was started or running while the window was open."""

    def __init__(self, watcher: JobWatcher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watcher = watcher
        self._begun: dict[str, PublishSpec] = {}  # started here, and not seen yet
        watcher.start_failed.connect(self._take_start_failure)
        watcher.job_changed.connect(self._take_change)
        watcher.job_ended.connect(self._take_end)

    def start(self, spec: PublishSpec) -> str:
        """Publish an adapter, or its new version. Returns the job's id."""
        job_id = self._watcher.start(spec)
        self._begun[job_id] = spec
        self.changed.emit()
        return job_id

    def is_beginning(self, adapter: Adapter) -> bool:
        """Whether publishing it was started here, and its job is not seen yet."""
        return any(spec.adapter == adapter.card.id for spec in self._begun.values())

    def start_despite(self, job: JobSnapshot) -> str:
        """Send what was held back because of the privacy page, which the person has seen."""
        assert isinstance(job.spec, PublishSpec)
        return self.start(msgspec.structs.replace(job.spec, despite_pages=seen_in(job)))

    def start_again(self, job: JobSnapshot) -> str:
        """Try again what failed; what was sent is not sent again."""
        assert isinstance(job.spec, PublishSpec)
        return self.start(job.spec)

    def cancel(self, job: JobSnapshot) -> None:
        """End it; the repository stays as it was before."""
        self._watcher.stop(job.id)

    def job(self, job_id: str) -> JobSnapshot | None:
        """A job of publishing by its id; None for other jobs."""
        job = self._watcher.snapshot(job_id)
        return job if job is not None and isinstance(job.spec, PublishSpec) else None

    def latest(self, adapter: Adapter) -> JobSnapshot | None:
        """The last time that an adapter was published, or it was tried, running or over."""
        return next((job for job in self._watcher.jobs() if _is_of(job, adapter)), None)

    def was_published(self, adapter: Adapter) -> bool:
        """Whether an adapter is on the Hub in an earlier version."""
        jobs = (job for job in self._watcher.jobs() if _is_of(job, adapter))
        return any(published_by(job) is not None for job in jobs)

    def _take_start_failure(self, job_id: str, _: OvernightError) -> None:
        if self._begun.pop(job_id, None) is not None:
            self.changed.emit()

    def _take_change(self, job_id: str) -> None:
        self._begun.pop(job_id, None)
        if self.job(job_id) is not None:
            self.changed.emit()

    def _take_end(self, job_id: str) -> None:
        if self.job(job_id) is not None:
            self.ended.emit(job_id)


def published_by(job: JobSnapshot) -> Published | None:
    """What a job put on the Hub; None where it did not."""
    result = job.status.result
    url, repository = result.get("url"), result.get("repo")
    if job.state is not JobState.FINISHED or not isinstance(url, str) or not url:
        return None
    name = repository if isinstance(repository, str) else ""
    is_private = result.get("private") is not False
    return Published(url, name, is_private, result.get("created") is True)


def wants_token(job: JobSnapshot) -> bool:
    """Whether it failed for want of an access token that may write there."""
    error = job.status.error
    return job.state is JobState.FAILED and error is not None and error.wants_token


def _is_of(job: JobSnapshot, adapter: Adapter) -> bool:
    """Whether a job publishes this very adapter, and not another one that had its name before."""
    spec = job.spec
    return isinstance(spec, PublishSpec) and bool(spec.adapter) and spec.adapter == adapter.card.id
