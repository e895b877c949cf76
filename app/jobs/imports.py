"""Imports, one after another: what is dropped during an import waits for its end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs.snapshot import JobSnapshot
from app.jobs.watcher import JobWatcher
from mlx_backend.protocol import ImportSpec


class Imports(QObject):
    """Starts imports and tells how the present one goes, also one that someone else started."""

    changed = Signal()
    """`current` has news."""

    ended = Signal(object)
    """The JobSnapshot of an import that is over."""

    not_started = Signal(object)
    """The paths of an import whose process could not be started; nothing was read of them."""

    def __init__(self, watcher: JobWatcher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watcher = watcher
        self._starting: str | None = None
        self._starting_paths: tuple[str, ...] = ()
        self._waiting: list[str] = []
        self._asked_for: set[str] = set()
        watcher.job_changed.connect(self._job_changed)
        watcher.job_ended.connect(self._job_ended)
        watcher.start_failed.connect(self._start_failed)

    @property
    def current(self) -> JobSnapshot | None:
        """The running import; None also while one is about to appear."""
        running = (job for job in self._watcher.active() if isinstance(job.spec, ImportSpec))
        return next(running, None)

    @property
    def is_busy(self) -> bool:
        """Whether an import runs or is about to."""
        return self._starting is not None or self.current is not None

    def add(self, paths: Iterable[Path]) -> None:
        """Import these as soon as possible."""
        self._waiting += [str(path) for path in paths]
        self._start_next()

    def has_asked_for(self, job_id: str) -> bool:
        """Whether a job is an import that was started from here."""
        return job_id in self._asked_for

    def cancel(self) -> None:
        """End the present import and forget what waits; what was read stays."""
        self._waiting.clear()
        if self.current is not None:
            self._watcher.stop(self.current.id)

    def flush(self) -> None:
        """Start what still waits, because the window closes; the engine makes one wait."""
        if self._waiting:
            self._start()

    def _start_next(self) -> None:
        if self._waiting and not self.is_busy:
            self._start()
        self.changed.emit()

    def _start(self) -> None:
        paths = tuple(dict.fromkeys(self._waiting))
        self._waiting.clear()
        self._starting = self._watcher.start(ImportSpec(paths=paths))
        self._starting_paths = paths
        self._asked_for.add(self._starting)

    def _job_changed(self, job_id: str) -> None:
        if job_id == self._starting:
            self._starting = None
        self.changed.emit()

    def _job_ended(self, job_id: str) -> None:
        job = self._watcher.snapshot(job_id)
        if job is not None and isinstance(job.spec, ImportSpec):
            self.ended.emit(job)
            self._start_next()

    def _start_failed(self, job_id: str, _error: object) -> None:
        if job_id == self._starting:
            self._starting = None
            self.not_started.emit(self._starting_paths)
            self._start_next()
