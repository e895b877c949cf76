"""Downloads and adoptions of base models, whoever began them."""

from __future__ import annotations

import functools
from pathlib import Path

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from app.jobs.snapshot import JobSnapshot
from app.jobs.watcher import JobWatcher
from app.library.base_models import called
from app.text.error_text import in_window
from mlx_backend.catalogue.entries import entries
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobState
from mlx_backend.protocol import AdoptSpec, DownloadSpec, JobSpec


class ModelJobs(QObject):
    """Starts downloads and adoptions, and knows those that are not done.

    What has come of a paused one lies in its folder, and it goes on from there, also after a
    restart. Closing the window ends none.
    """

    changed = Signal()
    """`unfinished` has news."""

    arrived = Signal(str, str)
    """The base model of this name is in the library now, and what was said of that, if anything."""

    def __init__(self, watcher: JobWatcher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watcher = watcher
        self._cancelled: set[str] = set()
        self._begun: dict[str, JobSpec] = {}  # started here, and not seen yet
        watcher.job_changed.connect(self._take_change)
        watcher.job_ended.connect(self._take_end)
        watcher.job_removed.connect(self._forget)
        watcher.settled.connect(self.changed)
        watcher.start_failed.connect(self._take_start_failure)

    def unfinished(self) -> list[JobSnapshot]:
        """Those under way, paused or failed, the newest first."""
        return [
            job
            for job in self._watcher.jobs()
            if is_of_model(job)
            and job.state is not JobState.FINISHED
            and job.id not in self._cancelled
        ]

    def download(self, repo: str, revision: str = "main", bits: int = 0) -> str:
        """Download a model; where that was begun before, go on with it. Returns the job's id."""
        spec = DownloadSpec(repo=repo, revision=revision, bits=bits)
        return self._begun_before(spec) or self._begin(spec)

    def adopt(self, path: Path, bits: int = 0) -> str:
        """Take the model in a folder of this computer into the library. Returns the job's id."""
        spec = AdoptSpec(path=str(path), bits=bits)
        return self._begun_before(spec) or self._begin(spec)

    def pause(self, job_id: str) -> None:
        """Let a job end; what it has fetched stays."""
        self._watcher.stop(job_id)

    def go_on(self, job_id: str) -> None:
        """Go on with one that is paused, was interrupted or has failed."""
        self._watcher.resume(job_id)

    def cancel(self, job_id: str) -> None:
        """End a job, and remove what it has fetched."""
        self._cancelled.add(job_id)
        self._watcher.remove(job_id)
        self.changed.emit()

    def _begun_before(self, spec: DownloadSpec | AdoptSpec) -> str:
        """The job that does this already, and goes on with it; "" where there is none.

        A second click comes before the job of the first one is seen in the library.
        """
        for job_id, begun in self._begun.items():
            if _is_same(begun, spec):
                return job_id
        for job in self.unfinished():
            if _is_same(job.spec, spec):
                self.go_on(job.id)
                return job.id
        return ""

    def _begin(self, spec: DownloadSpec | AdoptSpec) -> str:
        job_id = self._watcher.start(spec)
        self._begun[job_id] = spec
        return job_id

    def _take_start_failure(self, job_id: str, _: OvernightError) -> None:
        self._begun.pop(job_id, None)
        self.changed.emit()

    def _forget(self, job_id: str) -> None:
        self._cancelled.discard(job_id)
        self.changed.emit()

    def _take_change(self, job_id: str) -> None:
        self._begun.pop(job_id, None)
        job = self._watcher.snapshot(job_id)
        if job is not None and is_of_model(job):
            self.changed.emit()

    def _take_end(self, job_id: str) -> None:
        job = self._watcher.snapshot(job_id)
        if job is None or not is_of_model(job) or job.state is not JobState.FINISHED:
            return
        name = job.status.result.get("model")
        told = in_window(job.status.notices[-1]) if job.status.notices else ""
        self.arrived.emit(name if isinstance(name, str) else "", told)


def _is_same(one: JobSpec | None, other: DownloadSpec | AdoptSpec) -> bool:
    """Whether two specs bring the same model; under which name does not matter."""
    if not isinstance(one, DownloadSpec | AdoptSpec):
        return False
    return replace(one, name="") == replace(other, name="")


def is_of_model(job: JobSnapshot) -> bool:
    """Whether a job brings a base model."""
    return isinstance(job.spec, DownloadSpec | AdoptSpec)


def title_of(job: JobSnapshot) -> str:
    """What a job brings, as people call it."""
    spec = job.spec
    assert isinstance(spec, DownloadSpec | AdoptSpec)
    if isinstance(spec, DownloadSpec):
        title = _catalogue().get(spec.repo) or spec.repo.rpartition("/")[2]
    else:
        title = _name_of(Path(spec.path))
    return called(spec.name, title) if spec.name else title


@functools.cache
def _catalogue() -> dict[str, str]:
    """The titles of the catalogue's repositories, read once from a small file of ours."""
    return {entry.repo: entry.title for entry in entries()}


def _name_of(folder: Path) -> str:
    """A model's folder by its name; a snapshot in a cache of the Hub by that of its repository."""
    if folder.parent.name == "snapshots":
        folder = folder.parent.parent
    return folder.name.rpartition("--")[2] or str(folder)


def wants_token(job: JobSnapshot) -> bool:
    """Whether a download failed because the Hub gives the model only to those it knows."""
    error = job.status.error
    has_failed = job.state is JobState.FAILED and isinstance(job.spec, DownloadSpec)
    return has_failed and error is not None and error.wants_token
