"""Keeps a Mac from slowing the window while a job runs: App Nap would hold up what it shows."""

from __future__ import annotations

from contextlib import ExitStack

from PySide6.QtCore import QObject

from app.jobs.watcher import JobWatcher
from mlx_backend.night.app_nap import without_app_nap

_REASON = "Showing how the training goes"


class Wakefulness(QObject):
    """Holds App Nap off from the first job that runs until the last has ended."""

    def __init__(self, watcher: JobWatcher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watcher = watcher
        self._held: ExitStack | None = None
        for signal in (watcher.job_changed, watcher.job_ended, watcher.settled):
            signal.connect(self._follow)

    @property
    def is_held(self) -> bool:
        """Whether App Nap is held off."""
        return self._held is not None

    def release(self) -> None:
        """Let the system do as it likes."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def _follow(self) -> None:
        if not self._watcher.active():
            self.release()
        elif self._held is None:
            self._held = ExitStack()
            self._held.enter_context(without_app_nap(_REASON))
