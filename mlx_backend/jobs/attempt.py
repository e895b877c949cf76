"""One attempt of a run: a training process from its start to its end, and what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from mlx_backend import protocol
from mlx_backend.jobs.exit_causes import AbnormalExit
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.machine_services import Every
from mlx_backend.jobs.memory import MemoryLook, look_at_memory, ran_out
from mlx_backend.jobs.training_process import Outcome, TrainingProcess
from mlx_backend.private_data.masked_errors import report_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timing:
    """Times in seconds.

    poll: between two looks for requests. look: between two looks at the memory. stop: how long the
    training may take to save when it is asked to stop.
    """

    poll: float
    look: float
    stop: float


@dataclass(frozen=True)
class AttemptResult:
    """How an attempt ended; whether it was asked to stop, and whether it saved anything new."""

    outcome: Outcome | AbnormalExit
    was_asked_to_stop: bool
    made_progress: bool


class Attempt:
    """One attempt in a run's folder.

    `awake` keeps the machine from sleeping. `must_stop` is asked again and again, until it says
    that the training has to save and stop; `meanwhile` is called as often.
    """

    def __init__(
        self,
        folder: JobFolder,
        command: Sequence[str],
        timing: Timing,
        awake: Callable[[], AbstractContextManager[object]],
        must_stop: Callable[[], bool],
        meanwhile: Callable[[], None],
    ) -> None:
        self._folder = folder
        self._command = command
        self._timing = timing
        self._awake = awake
        self._must_stop = must_stop
        self._meanwhile = meanwhile
        self._asked_at: float | None = None
        self._was_killed = False
        self._memory = look_at_memory()

    def run(self) -> AttemptResult:
        """Start the training process and watch it until it ends."""
        checkpoint, studied_at = self._saved()
        outcome = self._run()
        newest, latest = self._saved()
        has_saved = newest > checkpoint or latest > studied_at
        return AttemptResult(outcome, self._asked_at is not None, has_saved)

    def _saved(self) -> tuple[int, float]:
        """The newest checkpoint's step, and when study saved last (Unix time)."""
        return self._folder.newest_checkpoint() or 0, self._folder.studied_at()

    def _run(self) -> Outcome | AbnormalExit:
        before = self._memory
        try:
            with self._awake(), TrainingProcess(self._folder, self._command) as process:
                self._watch(process)
                return process.outcome() or self._exit_without_outcome(process, before)
        except OSError as error:  # the process could not even be started
            return protocol.Failed(error=report_of(error))

    def _watch(self, process: TrainingProcess) -> None:
        memory_look = Every(self._timing.look)
        while not process.is_over(self._timing.poll):
            self._meanwhile()
            if memory_look.is_due():
                self._memory = look_at_memory()
            self._stop_when_due(process)

    def _stop_when_due(self, process: TrainingProcess) -> None:
        if self._asked_at is None:
            if self._must_stop():
                process.ask_to_stop()
                self._asked_at = time.monotonic()
        elif time.monotonic() - self._asked_at > self._timing.stop:
            _log.warning("the training does not stop when asked to, and is killed")
            process.kill()
            self._was_killed = True

    def _exit_without_outcome(
        self, process: TrainingProcess, before: MemoryLook
    ) -> Outcome | AbnormalExit:
        if self._was_killed:
            return protocol.Stopped()  # as it was asked to, only not in order
        out_of_memory = ran_out(before, self._memory, look_at_memory())
        return AbnormalExit(process.return_code, process.printed(), out_of_memory)
