"""The supervisor of a run: waits, starts the training, watches it, and starts it again.

It is light, never imports MLX, and so outlives whatever ends a training: faults of the GPU, too
little memory, a full disk. What a run has learned is in its checkpoints; only the steps since the
newest one can be lost.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend import protocol
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import exit_causes, memory_ladder
from mlx_backend.jobs.attempt import Attempt, AttemptResult, Timing
from mlx_backend.jobs.decision import Decision, Done, GiveUp, GoOn, Judge, Retry, Wait
from mlx_backend.jobs.energy_log import EnergyLog
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.journal import Journal
from mlx_backend.jobs.machine_services import MachineServices
from mlx_backend.jobs.status import JobStatus
from mlx_backend.jobs.training_process import TRAINING, End
from mlx_backend.jobs.wait_reasons import WaitReasons
from mlx_backend.protocol import Ending, TrainSpec

_TITLE = "Overnight"
_PASSES_BY_ITSELF: tuple[protocol.WaitReason, ...] = ("time", "turn")
_GOES_SLOWER = "Memory stays short, so the training goes on in a slower way that takes less of it."
_LESS_MEMORY_HELPS: tuple[Ending, ...] = ("out of memory", "gpu timeout")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Persistence:
    """How hard a supervisor tries; times in seconds.

    tries: failed attempts in a row without a new checkpoint. rests: pauses before the next attempt,
    by the number of failures. memory_rests: likewise, after too little memory was free. poll: how
    often requests are looked for. look: how often machine and disk are looked at. stop: how long
    the training may take to save when it is asked to stop.
    """

    tries: int = 3
    rests: tuple[float, ...] = (1.0, 2.0, 5.0)
    memory_rests: tuple[float, ...] = (15.0, 60.0, 180.0, 600.0)
    poll: float = 0.2
    look: float = 10.0
    stop: float = 900.0


class Supervisor:
    """Brings one run to its end. `leave` says that the system wants this process to end."""

    def __init__(
        self,
        folder: JobFolder,
        machine: MachineServices,
        leave: Callable[[], bool],
        persistence: Persistence = Persistence(),
        command: Sequence[str] = TRAINING,
    ) -> None:
        self._folder = folder
        self._machine = machine
        self._leave = leave
        self._persistence = persistence
        self._command = command
        self._journal = Journal(folder)
        self._reader = folder.reader()
        self._status = JobStatus()
        folder.refresh(self._status, self._reader)
        self._energy = EnergyLog(self._journal, machine.energy, self._status.watt_hours)
        self._wait_reasons = WaitReasons(
            folder, machine, persistence.look, persistence.memory_rests
        )
        self._judge = Judge(persistence.tries, self._wait_reasons.check_room)
        self._notified_of_memory = False

    def run(self) -> End | None:
        """Work until the run is over; returns its last event, None when it is to be resumed."""
        self._tell_started()
        end = self._work()
        self._energy.tell()
        if isinstance(end, protocol.Finished):
            end = self._energy.added_to(self._folder, end)
        if isinstance(end, protocol.Stopped):
            self._folder.clear_pause()
        self._tell_end(end)
        return end

    def _work(self) -> End | None:
        """Attempt by attempt, until one brings the end or the run is told to end."""
        while self._wait_until_free():
            match self._decide(self._attempt()):
                case Done(end) | GiveUp(end):
                    return end
                case Wait(waiting, times):
                    self._wait_for_memory(waiting, times)
                case Retry(cause, is_last):
                    self._prepare_retry(cause, is_last)
                case GoOn():
                    pass
        is_to_be_resumed = self._leave() or self._is_gone()
        return None if is_to_be_resumed else protocol.Stopped(step=self._folder.newest_checkpoint())

    # --- before an attempt: wait ---

    def _wait_until_free(self) -> bool:
        """Wait while there is a reason to; False when the run is told to end meanwhile."""
        with contextlib.ExitStack() as awake:
            told: protocol.Waiting | None = None
            while not self._must_end():
                reason = self._wait_reasons.before_start()
                if reason is None:
                    self._tell_wait_over(told)
                    return True
                if told is None or (reason.reason, reason.text) != (told.reason, told.text):
                    self._tell_waiting(reason)
                    told = reason
                    awake.close()
                    if reason.reason in _PASSES_BY_ITSELF or reason.needed_bytes:
                        awake.enter_context(self._machine.awake_while_waiting())
                self._journal.flush()
                time.sleep(self._persistence.poll)
        return False

    def _must_end(self) -> bool:
        return self._leave() or self._folder.stop_requested() or self._is_gone()

    def _is_gone(self) -> bool:
        """Whether the run's folder was deleted, so that nobody can ask it to stop any more."""
        return not self._folder.path.is_dir()

    # --- the attempt ---

    def _attempt(self) -> AttemptResult:
        patience = self._persistence
        attempt = Attempt(
            self._folder,
            self._command,
            Timing(patience.poll, patience.look, patience.stop),
            self._machine.awake_while_computing,
            lambda: self._must_end() or self._wait_reasons.while_training() is not None,
            self._write_what_is_due,
        )
        try:
            return attempt.run()
        finally:
            self._journal.mend()
            self._folder.refresh(self._status, self._reader)

    def _write_what_is_due(self) -> None:
        self._journal.flush()
        self._energy.tell_when_due()

    # --- after an attempt: decide, and prepare the next one ---

    def _decide(self, result: AttemptResult) -> Decision:
        return self._judge.decide(
            result, self._must_end(), checkpoint=self._folder.newest_checkpoint() or 0
        )

    def _wait_for_memory(self, waiting: protocol.Waiting, times: int) -> None:
        """Wait for memory; if that did not help, take a slower way where there is one."""
        if waiting.could_take_less and times > 1 and self._save_memory("out of memory"):
            self._journal.append(protocol.Notice(text=_GOES_SLOWER))
        else:
            self._wait_reasons.wait_for_memory(waiting, times)

    def _prepare_retry(self, cause: Ending, is_last: bool) -> None:
        """Tell why the attempt failed, give the next one a better chance, and rest a little."""
        checkpoint = self._folder.newest_checkpoint() or 0
        text = exit_causes.retry_sentence(cause, checkpoint)
        self._journal.append(protocol.AttemptEnded(ending=cause, step=self._status.step, text=text))
        if cause in _LESS_MEMORY_HELPS:
            self._save_memory(cause, is_last)
        self._rest()
        self._tell_started()

    def _save_memory(self, cause: Ending, is_last: bool = False) -> bool:
        """Have the next attempt take less memory; whether that could be written down.

        The last attempt takes the least there is. A GPU that was taken away was busy for too long
        at a stretch, so less is computed at once.
        """
        try:
            spec, way = self._folder.spec(), memory_ladder.read_way(self._folder)
            if way is None or not isinstance(spec, TrainSpec):
                return False
            following = memory_ladder.thriftier(way, spec.dropout) or way
            if cause == "gpu timeout":
                following = memory_ladder.with_less_at_once(way, spec.dropout)
            if is_last:
                following = memory_ladder.thriftiest(way, spec.dropout)
            memory_ladder.write_way(self._folder, following)
        except (OSError, OvernightError) as error:
            _log.warning("the next attempt takes no less memory: %s", error)
            return False
        return True

    def _rest(self) -> None:
        rests = self._persistence.rests
        until = time.monotonic() + rests[min(self._judge.failures, len(rests) - 1)]
        while time.monotonic() < until and not self._must_end():
            time.sleep(min(self._persistence.poll, self._persistence.rests[0]))

    # --- what the person and the window are told ---

    def _tell_started(self) -> None:
        resumed_from = self._folder.newest_checkpoint()
        self._journal.append(protocol.Started(pid=os.getpid(), resumed_from=resumed_from))

    def _tell_waiting(self, reason: protocol.Waiting) -> None:
        self._journal.append(reason)
        if reason.reason == "disk" or (reason.needed_bytes and not self._notified_of_memory):
            self._machine.notify(_TITLE, reason.text)
        self._notified_of_memory |= reason.needed_bytes > 0

    def _tell_wait_over(self, told: protocol.Waiting | None) -> None:
        if told is not None:
            self._journal.settle()
            self._journal.append(protocol.WaitOver())

    def _tell_end(self, end: End | None) -> None:
        """Append the last event; where the disk is full, once it has room or the run must end."""
        if end is None:
            step = self._folder.newest_checkpoint()
            text = "The system asked to end." + (f" Step {step:,} is saved." if step else "")
            self._journal.append(protocol.Notice(text=text))
        else:
            self._journal.append(end)
        if isinstance(end, protocol.Finished):
            self._machine.notify(_TITLE, f"{end.result['adapter']} is ready. Chat with it.")
        elif isinstance(end, protocol.Failed):
            self._machine.notify(_TITLE, end.error.message)
        while not self._journal.close() and not self._must_end():
            time.sleep(self._persistence.look)
