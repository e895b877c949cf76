"""The run that has finished since somebody last looked."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings, Signal

from app.jobs.snapshot import JobSnapshot
from app.jobs.watcher import JobWatcher
from mlx_backend.jobs import JobState

_SEEN_KEY = "runs/seen"


class RunNews(QObject):
    """Remembers, also for the next window, until when finished runs have been seen."""

    changed = Signal()

    def __init__(self, watcher: JobWatcher, state: QSettings) -> None:
        super().__init__()
        self._watcher = watcher
        self._state = state

    def latest(self) -> JobSnapshot | None:
        """The run that finished last, unless it was seen."""
        finished = [run for run in self._watcher.runs() if run.state is JobState.FINISHED]
        latest = max(finished, key=lambda run: run.latest_at, default=None)
        return latest if latest is not None and latest.latest_at > self._seen_until() else None

    def mark_seen(self, run_id: str) -> None:
        """Somebody has seen what came of this run."""
        run = self._watcher.snapshot(run_id)
        if run is None or run.state is not JobState.FINISHED:
            return
        if run.latest_at > self._seen_until():
            self._state.setValue(_SEEN_KEY, run.latest_at)
            self.changed.emit()

    def _seen_until(self) -> float:
        try:
            return float(str(self._state.value(_SEEN_KEY, 0.0)))
        except ValueError:
            return 0.0
