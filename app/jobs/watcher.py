"""Tells the window about every job of the library: reads in a thread of its own, emits signals."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from app.jobs.scanner import JobScanner
from app.jobs.snapshot import JobSnapshot
from mlx_backend import protocol
from mlx_backend.errors import OvernightError, from_exception
from mlx_backend.files import remove_tree
from mlx_backend.jobs import JobFolder, JobStatus, launch
from mlx_backend.library import Library
from mlx_backend.locks import is_held
from mlx_backend.night.overtime import grant_time

# Running jobs are looked at on every tick; all folders, for new and resumed jobs, on every fourth.
_TICK_MS = 250
_TICKS_PER_FULL_SCAN = 4


class JobWatcher(QObject):
    """Every run, import and export of the library, whoever started it.

    The job's folder is the truth: this only reads it, and writes nothing but requests to stop and
    to pause. Starting and resuming a job launches a process that outlives the window.
    """

    job_changed = Signal(str)
    """A job was seen for the first time, or has changed."""

    job_ended = Signal(str)
    """A job that was running, or was started or resumed here, is over."""

    job_removed = Signal(str)
    """A job was deleted."""

    start_failed = Signal(str, object)
    """A job could not be started, resumed or stopped: its id and the OvernightError."""

    settled = Signal()
    """Everything that was on disk when the watcher began has been read."""

    _launch = Signal(object, object)
    _stop = Signal(object)
    _pause = Signal(object, bool)
    _remove = Signal(object)
    _finish = Signal()

    def __init__(self, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._snapshots: dict[str, JobSnapshot] = {}
        self._underway: set[str] = set()
        self._thread = QThread(self)
        self._reader = _Reader((library.runs, library.jobs))
        self._reader.moveToThread(self._thread)
        self._thread.started.connect(self._reader.begin)
        self._thread.finished.connect(self._reader.deleteLater)
        self._reader.changed.connect(self._take)
        self._reader.removed.connect(self._forget)
        self._reader.settled.connect(self.settled)
        self._reader.start_failed.connect(self.start_failed)
        self._launch.connect(self._reader.launch)
        self._stop.connect(self._reader.stop)
        self._pause.connect(self._reader.pause)
        self._remove.connect(self._reader.remove)
        self._finish.connect(self._reader.finish)

    def begin(self) -> None:
        """Start to watch."""
        self._thread.start()

    def shut_down(self) -> None:
        """Stop watching, once all that was asked for is done. The jobs go on."""
        if self._thread.isRunning():
            self._finish.emit()
            self._thread.wait()

    def runs(self) -> list[JobSnapshot]:
        """All runs, the newest first."""
        runs = [job for job in self._snapshots.values() if _is_run(job)]
        return sorted(runs, key=lambda run: run.id, reverse=True)

    def jobs(self) -> list[JobSnapshot]:
        """All jobs but runs, the newest first."""
        jobs = [job for job in self._snapshots.values() if not _is_run(job)]
        return sorted(jobs, key=lambda job: job.id, reverse=True)

    def active(self) -> list[JobSnapshot]:
        """The jobs that are running now, runs before all others."""
        active = [job for job in self._snapshots.values() if job.is_active]
        active.sort(key=lambda job: job.id, reverse=True)
        return sorted(active, key=lambda job: not _is_run(job))

    def snapshot(self, job_id: str) -> JobSnapshot | None:
        """One job, as of the last look at it."""
        return self._snapshots.get(job_id)

    def is_under_way(self, job_id: str) -> bool:
        """Whether a job runs, or was started or resumed here, so that `job_ended` will tell."""
        return job_id in self._underway

    def status(self, job_id: str) -> JobStatus | None:
        """One job's status, as of the last look at it."""
        snapshot = self._snapshots.get(job_id)
        return snapshot.status if snapshot else None

    def start(self, spec: protocol.JobSpec) -> str:
        """Start a job and return its id at once; `job_changed` tells when its folder exists."""
        is_run = isinstance(spec, protocol.TrainSpec)
        parent = self._library.runs if is_run else self._library.jobs
        job_id = JobFolder.new_id()
        self._underway.add(job_id)
        self._launch.emit(JobFolder(parent / job_id), spec)
        return job_id

    def resume(self, job_id: str) -> None:
        """Resume a job that was stopped, was interrupted or has failed."""
        snapshot = self._snapshots.get(job_id)
        if snapshot is not None and snapshot.state.can_resume:
            self._underway.add(job_id)
            self._launch.emit(snapshot.folder, None)

    def stop(self, job_id: str) -> None:
        """Ask a job to end after the step that it is computing."""
        snapshot = self._snapshots.get(job_id)
        if snapshot is not None and snapshot.is_active:
            self._stop.emit(snapshot.folder)

    def pause(self, job_id: str, paused: bool) -> None:
        """Ask a job to save and wait, or to go on."""
        snapshot = self._snapshots.get(job_id)
        if snapshot is not None and snapshot.is_active:
            self._pause.emit(snapshot.folder, paused)

    def remove(self, job_id: str) -> None:
        """Take a waiting run out of the queue; `job_removed` tells when it is deleted.

        A run that has trained already is only stopped, and can be resumed.
        """
        snapshot = self._snapshots.get(job_id)
        if snapshot is None:
            return
        if snapshot.status.step or snapshot.status.checkpoint:
            self.stop(job_id)
        else:
            self._remove.emit(snapshot.folder)

    def _forget(self, job_id: str) -> None:
        self._snapshots.pop(job_id, None)
        self._underway.discard(job_id)
        self.job_removed.emit(job_id)

    def _take(self, snapshot: JobSnapshot) -> None:
        self._snapshots[snapshot.id] = snapshot
        self.job_changed.emit(snapshot.id)
        if snapshot.is_active:
            self._underway.add(snapshot.id)
        elif snapshot.id in self._underway:
            self._underway.discard(snapshot.id)
            self.job_ended.emit(snapshot.id)


def _is_run(job: JobSnapshot) -> bool:
    return isinstance(job.spec, protocol.TrainSpec)


class _Reader(QObject):
    """Lives in the watcher's thread, and does all of its reading and writing."""

    changed = Signal(object)
    removed = Signal(str)
    settled = Signal()
    start_failed = Signal(str, object)

    def __init__(self, parents: tuple[Path, ...]) -> None:
        super().__init__()
        self._scanner = JobScanner(parents)
        self._ticks = 0
        self._is_settled = False
        self._doomed: list[JobFolder] = []

    @Slot()
    def begin(self) -> None:
        """Start the timer; called in the thread itself, to which the timer must belong."""
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self._tick()

    @Slot(object, object)
    def launch(self, folder: JobFolder, spec: protocol.JobSpec | None) -> None:
        """Write a new job's folder if there is a spec, and start its process."""
        try:
            if spec is not None:
                folder = JobFolder.create(folder.path.parent, spec, folder.id)
            else:
                grant_time(folder)
            folder.clear_pause()  # a job that is started or resumed is not to wait
            launch(folder)
        except (OSError, OvernightError) as error:
            self.start_failed.emit(folder.id, from_exception(error))
        self._look(active_only=False)

    @Slot(object)
    def stop(self, folder: JobFolder) -> None:
        """Write the request to stop into a job's folder."""
        try:
            folder.request_stop()
        except FileNotFoundError:
            pass  # somebody else has deleted it, which the next look tells
        except OSError as error:
            self.start_failed.emit(folder.id, from_exception(error))
        self._look(active_only=True)

    @Slot(object, bool)
    def pause(self, folder: JobFolder, paused: bool) -> None:
        """Write the request to pause into a job's folder, or delete it."""
        try:
            if paused:
                folder.request_pause()
            else:
                grant_time(folder)
                folder.clear_pause()
        except (OSError, OvernightError) as error:
            self.start_failed.emit(folder.id, from_exception(error))
        self._look(active_only=True)

    @Slot(object)
    def remove(self, folder: JobFolder) -> None:
        """Stop a job; delete its folder once its process has ended, unless it has trained."""
        self._doomed.append(folder)
        self.stop(folder)

    @Slot()
    def finish(self) -> None:
        """End the thread; the call is queued, so it comes after every launch that was asked for."""
        self._timer.stop()
        self.thread().quit()

    def _tick(self) -> None:
        full = self._ticks % _TICKS_PER_FULL_SCAN == 0 or self._scanner.has_more
        self._ticks += 1
        self._look(active_only=not full)
        self._doomed = [folder for folder in self._doomed if not self._delete(folder)]
        if self._scanner.has_more:
            QTimer.singleShot(0, self._tick)
        elif not self._is_settled:
            self._is_settled = True
            self.settled.emit()

    def _delete(self, folder: JobFolder) -> bool:
        """Delete a job that was to be removed; returns False while its process lives.

        It may have trained before it read the request to stop. Then it stays, and can be resumed.
        """
        status = folder.status()
        if not status.state.is_over or is_held(folder.path / "lock"):
            return False
        has_saved = status.checkpoint or folder.newest_checkpoint() or folder.studied_at()
        if status.step or has_saved:
            return True
        self._scanner.forget(folder.path)
        try:
            (folder.path / "spec.json").unlink()  # first: without it, what is left is no job
            remove_tree(folder.path, must_succeed=True)
        except OSError as error:
            self.start_failed.emit(folder.id, from_exception(error))
        else:
            self.removed.emit(folder.id)
        return True

    def _look(self, active_only: bool) -> None:
        for snapshot in self._scanner.scan(active_only):
            self.changed.emit(snapshot)
        for job_id in self._scanner.take_gone():
            self.removed.emit(job_id)
