"""Tells when the library's lane is free again, in which one process at a time computes."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.watcher import JobWatcher
from mlx_backend.library import Library
from mlx_backend.locks import is_held

# A command may hold the lane, whose end no job tells.
_LOOK_MS = 5_000


class LaneWatch(QObject):
    """Looks, once it is asked to, whether the lane is free."""

    free = Signal()
    """The lane is free; it looks no more until it is asked to again."""

    def __init__(
        self, library: Library, watcher: JobWatcher, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)
        watcher.job_ended.connect(lambda _: self._look())

    def begin(self) -> None:
        """Look after each job that ends, and every few seconds, until the lane is free."""
        self._timer.start()

    def end(self) -> None:
        """Look no more."""
        self._timer.stop()

    def _look(self) -> None:
        if self._timer.isActive() and not is_held(self._library.lane):
            self._timer.stop()
            self.free.emit()
