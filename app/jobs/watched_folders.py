"""Watched folders: what changes in them is imported by itself, once things are quiet."""

from __future__ import annotations

import atexit
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QThread, QTimer, Signal, Slot

from app.jobs.folder_state import folders_of, state_of
from app.jobs.imports import Imports
from app.jobs.snapshot import JobSnapshot
from app.library.background import Background
from mlx_backend.jobs import JobState
from mlx_backend.library.folders import Folders
from mlx_backend.protocol import ImportSpec

# The system tells of new and removed files at once, but not of every changed one, nor of those
# in more folders than it lets a program watch: all files are looked at now and then, too.
_MOST_FOLDERS = 200
_PATIENCE_MS = 2_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How long nothing must have happened, and how often all files are looked at."""

    quiet_ms: int = 20_000
    look_ms: int = 300_000


class WatchedFolders(QObject):
    """Starts an import for a watched folder that differs from what was imported of it."""

    changed = Signal()
    """Other folders are watched than before."""

    _folders = Signal(object)
    _finish = Signal()

    def __init__(
        self,
        background: Background,
        imports: Imports,
        pace: Pace = Pace(),
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._imports = imports
        self._waiting: dict[str, str] = {}
        self._importing: dict[str, str] = {}
        self._settled: dict[str, str] = {}
        self._thread = QThread(self)
        self._watch = _Watch(pace)
        self._watch.moveToThread(self._thread)
        self._thread.started.connect(self._watch.begin)
        self._thread.finished.connect(self._watch.deleteLater)
        self._folders.connect(self._watch.follow)
        self._finish.connect(self._watch.finish)
        self._watch.differs.connect(self._import)
        imports.ended.connect(self._import_ended)
        imports.not_started.connect(self._not_started)

    def begin(self) -> None:
        """Watch what was watched when the window was open last."""
        self._thread.start()
        self._read()

    def shut_down(self) -> None:
        """Stop watching. A look at a disk that does not answer ends with the process."""
        if self._thread.isRunning():
            self._thread.requestInterruption()
            self._finish.emit()
            if not self._thread.wait(_PATIENCE_MS):
                atexit.register(_leave, self._thread, self)

    def watch(self, path: str, on: bool) -> None:
        """Watch a folder from now on, also after the window was closed, or no longer."""
        self._background.call(
            lambda db: Folders(db).watch(path) if on else Folders(db).unwatch(path),
            lambda _: self._watch_changed(),
        )

    def _watch_changed(self) -> None:
        self._read()
        self.changed.emit()

    def _read(self) -> None:
        self._background.call(lambda db: Folders(db).watched(), self._follow)

    def _follow(self, watched: dict[str, str]) -> None:
        self._waiting = {path: s for path, s in self._waiting.items() if path in watched}
        settled = {path: state for path, state in self._settled.items() if path in watched}
        self._folders.emit(watched | settled)

    def _import(self, states: dict[str, str]) -> None:
        known = self._settled | self._importing
        self._waiting |= {path: s for path, s in states.items() if known.get(path) != s}
        if self._waiting and not self._imports.is_busy:
            self._importing, self._waiting = self._waiting, {}
            self._imports.add(map(Path, self._importing))

    def _import_ended(self, job: JobSnapshot) -> None:
        spec = job.spec
        done = {
            path: state
            for path, state in self._importing.items()
            if isinstance(spec, ImportSpec) and path in spec.paths
        }
        for path in done:
            del self._importing[path]
        # What was cancelled or failed is not tried again, either, until something changes.
        self._settled |= done
        if done and job.state is JobState.FINISHED:
            self._background.call(lambda db: Folders(db).record_states(done), lambda _: None)
        if done:
            self._read()
        self._import({})

    def _not_started(self, paths: tuple[str, ...]) -> None:
        # The next look finds them still changed, and tries again.
        self._importing = {p: s for p, s in self._importing.items() if p not in paths}


def _leave(thread: QThread, _kept: QObject) -> None:
    """End the process as it is: Qt aborts when a thread is dropped that still runs."""
    if thread.isRunning():
        _log.warning("a watched folder does not answer")
        logging.shutdown()
        os._exit(0)


class _Watch(QObject):
    """Lives in a thread of its own; every touch of the watched folders is here."""

    differs = Signal(object)
    """Folders with the state that is not the one in which they were imported."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace
        self._known: dict[str, str] = {}

    @Slot()
    def begin(self) -> None:
        """Start to watch; called in the thread itself, to which all of this must belong."""
        self._system = QFileSystemWatcher(self)
        self._quiet = QTimer(self, singleShot=True, interval=self._pace.quiet_ms)
        self._looking = QTimer(self, interval=self._pace.look_ms)
        self._system.directoryChanged.connect(lambda _: self._quiet.start())
        self._quiet.timeout.connect(self._look)
        self._looking.timeout.connect(self._look)

    @Slot(object)
    def follow(self, known: dict[str, str]) -> None:
        """Watch these folders, which were imported in these states."""
        is_new = known.keys() != self._known.keys()
        self._known = known
        if not known:
            self._looking.stop()
            self._quiet.stop()
            self._watch([])
        elif is_new:
            self._looking.start()
            self._look()

    @Slot()
    def finish(self) -> None:
        """End the thread."""
        self._looking.stop()
        self._quiet.stop()
        self._watch([])
        self.thread().quit()

    def _look(self) -> None:
        states = {p: state_of(Path(p)) for p in self._known if not self._is_ending()}
        other = {p: state for p, state in states.items() if state and state != self._known[p]}
        if other:
            self.differs.emit(other)
        if self._is_ending():
            return
        room = _MOST_FOLDERS // max(1, len(self._known))
        self._watch([f for path in self._known for f in folders_of(Path(path), room)])

    def _is_ending(self) -> bool:
        return self.thread().isInterruptionRequested()

    def _watch(self, folders: list[str]) -> None:
        present = set(self._system.directories())
        if gone := sorted(present.difference(folders)):
            self._system.removePaths(gone)
        if new := sorted(set(folders) - present):
            self._system.addPaths(new)
