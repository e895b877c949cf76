"""Exports of adapters, found again from their job folders."""

from __future__ import annotations

from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, Signal

from app.jobs.privacy_results import seen_in
from app.jobs.snapshot import JobSnapshot
from app.jobs.watcher import JobWatcher
from mlx_backend.library.adapters import Adapter
from mlx_backend.protocol import ExportForm, ExportSpec


class Exports(QObject):
    """Starts exports and knows the latest of each adapter."""

    changed = Signal()

    def __init__(self, watcher: JobWatcher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watcher = watcher
        watcher.job_changed.connect(self._job_changed)

    def start(self, adapter: Adapter, to: Path, form: ExportForm = "mlx") -> None:
        """Write the adapter to the new path `to` in this form, and verify it."""
        card = adapter.card
        self._watcher.start(ExportSpec(name=adapter.name, adapter=card.id, format=form, to=str(to)))

    def start_despite(self, job: JobSnapshot) -> None:
        """Write what was held back because of the privacy page, which the person has seen."""
        assert isinstance(job.spec, ExportSpec)
        self._watcher.start(msgspec.structs.replace(job.spec, despite_pages=seen_in(job)))

    def latest(self, adapter: Adapter) -> JobSnapshot | None:
        """The adapter's last export, running or over."""
        return next((job for job in self._watcher.jobs() if _is_of(job, adapter)), None)

    def cancel(self, job: JobSnapshot) -> None:
        """End a running export; nothing half-written stays."""
        self._watcher.stop(job.id)

    def _job_changed(self, job_id: str) -> None:
        job = self._watcher.snapshot(job_id)
        if job is not None and isinstance(job.spec, ExportSpec):
            self.changed.emit()


def _is_of(job: JobSnapshot, adapter: Adapter) -> bool:
    """Whether a job exports this very adapter, and not another one that had its name before."""
    if not isinstance(job.spec, ExportSpec):
        return False
    if job.spec.adapter:
        return job.spec.adapter == adapter.card.id
    return job.spec.name == adapter.name and job.began_at >= adapter.card.created
