"""Exports of adapters, found again from their job folders."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.job_snapshot import JobSnapshot
from app.job_watcher import JobWatcher
from mlx_backend.protocol import ExportSpec


class Exports(QObject):
    """Starts exports and knows the latest of each adapter."""

    changed = Signal()

    def __init__(self, watcher: JobWatcher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watcher = watcher
        watcher.job_changed.connect(self._job_changed)

    def start(self, name: str, to: Path) -> None:
        """Write the adapter `name` to the folder `to`, in MLX's format, and verify it."""
        self._watcher.start(ExportSpec(name=name, format="mlx", to=str(to)))

    def latest(self, name: str) -> JobSnapshot | None:
        """The adapter's last export, running or over."""
        of_name = (
            job
            for job in self._watcher.jobs()
            if isinstance(job.spec, ExportSpec) and job.spec.name == name
        )
        return next(of_name, None)

    def cancel(self, job: JobSnapshot) -> None:
        """End a running export; nothing half-written stays."""
        self._watcher.stop(job.id)

    def _job_changed(self, job_id: str) -> None:
        job = self._watcher.snapshot(job_id)
        if job is not None and isinstance(job.spec, ExportSpec):
            self.changed.emit()
