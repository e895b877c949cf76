"""Has the chat give up its memory when a run, or other work with a model, needs it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.chat_worker import ChatWorker
from app.jobs.snapshot import JobSnapshot
from app.jobs.watcher import JobWatcher
from mlx_backend import protocol
from mlx_backend.jobs.memory_wait import available_memory

_PATIENCE_MS = 10_000
# The memory of other programs changes without notice.
_LOOK_MS = 5_000
# An answer needs the model's own memory and some for the text it works on.
_CHAT_SHARE = 1.25
_COMPUTES = (
    protocol.TrainSpec,
    protocol.ExportSpec,
    protocol.MergeSpec,
    protocol.ReceiveSpec,
    protocol.PublishSpec,
)


class MemoryKeeper(QObject):
    """Decides whether chat may use memory while a job computes with a model.

    A job that begins by itself, a run at night say, tells in its folder what memory it waits for.
    While the chat rests no model is loaded. It rests for one job, and wakes when that job is over
    or only sends what it made: other jobs that end meanwhile give no memory back.
    """

    resting_changed = Signal(bool)

    def __init__(
        self,
        watcher: JobWatcher,
        worker: ChatWorker,
        available: Callable[[], int] = available_memory,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._watcher = watcher
        self._worker = worker
        self._available = available
        self._resting = False
        self._rests_for = ""  # the id of a job; "" until it is started
        self._then: Callable[[], str] | None = None
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self._go_on)
        self._look = QTimer(self, interval=_LOOK_MS)
        self._look.timeout.connect(self._help_who_waits)
        worker.released.connect(self._go_on)
        watcher.job_changed.connect(self._help_if_it_waits)
        watcher.job_changed.connect(self._wake_if_it_only_sends)
        watcher.job_ended.connect(self._wake_after)
        watcher.job_removed.connect(self._wake_after)
        watcher.start_failed.connect(lambda job_id, _: self._wake_after(job_id))

    @property
    def resting(self) -> bool:
        """Whether the chat waits for a job to end."""
        return self._resting

    def make_room(self, run_bytes: int, then: Callable[[], str]) -> None:
        """Call `then` once a run of `run_bytes` may start; the chat rests where both do not fit.

        `then` starts the run, or lets it go on, and returns its id.
        """
        # What is available leaves out what the chat's model takes already.
        if not self._worker.loaded_bytes or run_bytes <= self._available():
            then()
            return
        self._rest("")
        self._then = then
        self._patience.start()
        self._worker.release()

    def may_answer(self, model_bytes: int) -> bool:
        """Whether a question may be asked now, of a model that takes `model_bytes`."""
        computing = [job for job in self._watcher.active() if _computes(job)]
        loaded = self._worker.loaded_bytes > 0
        if computing and not loaded and model_bytes * _CHAT_SHARE > self._available():
            self._rest(min(computing, key=lambda job: job.waiting is not None).id)
        return not self._resting

    def _help_if_it_waits(self, job_id: str) -> None:
        job = self._watcher.snapshot(job_id)
        if job is not None and job.waiting is not None and job.waiting.needed_bytes:
            self._look.start()
            self._help_who_waits()

    def _help_who_waits(self) -> None:
        """Let the chat rest for a job that waits for memory, where that is what it lacks."""
        needs = {
            job.id: job.waiting.needed_bytes
            for job in self._watcher.active()
            if job.waiting is not None and job.waiting.needed_bytes
        }
        loaded = self._worker.loaded_bytes
        if not needs:
            self._look.stop()
            return
        modest = min(needs, key=lambda job_id: needs[job_id])
        if loaded and not self._resting and needs[modest] <= self._available() + loaded:
            self._rest(modest)
            self._worker.release()

    def _go_on(self) -> None:
        self._patience.stop()
        then, self._then = self._then, None
        if then is not None:
            self._rests_for = then()
            if not self._watcher.is_under_way(self._rests_for):
                self._wake()  # it could not go on, so no end of it will be told

    def _rest(self, job_id: str) -> None:
        if not self._resting:
            self._resting, self._rests_for = True, job_id
            self.resting_changed.emit(True)

    def _wake_if_it_only_sends(self, job_id: str) -> None:
        job = self._watcher.snapshot(job_id)
        if job is not None and _only_sends(job):
            self._wake_after(job_id)

    def _wake_after(self, job_id: str) -> None:
        if job_id == self._rests_for:
            self._wake()

    def _wake(self) -> None:
        if self._resting:
            self._resting, self._rests_for = False, ""
            self.resting_changed.emit(False)


def _computes(job: JobSnapshot) -> bool:
    return isinstance(job.spec, _COMPUTES) and not _only_sends(job)


def _only_sends(job: JobSnapshot) -> bool:
    """Whether it has let its model go already."""
    return isinstance(job.spec, protocol.PublishSpec) and job.status.stage == "publishing"
