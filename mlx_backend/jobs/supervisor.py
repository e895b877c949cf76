"""The supervisor of a run: waits, starts the training, watches it, and starts it again.

It is light, never imports MLX, and so outlives whatever ends a training: faults of the GPU, want
of memory, a full disk. What a run has learned is in its checkpoints; all that is ever lost are
the steps since the newest one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind
from mlx_backend.jobs import process_ends
from mlx_backend.jobs.energy_log import EnergyLog
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.hindrances import Hindrances
from mlx_backend.jobs.journal import Journal
from mlx_backend.jobs.memory import MemoryLook, look_at_memory, ran_out
from mlx_backend.jobs.memory_ladder import lower_memory
from mlx_backend.jobs.process_ends import AbnormalEnd
from mlx_backend.jobs.status import JobStatus
from mlx_backend.jobs.surroundings import Every, Surroundings
from mlx_backend.jobs.training_process import TRAINING, End, Outcome, TrainingProcess
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.protocol import Ending

_TITLE = "Overnight"
_COMES_BY_ITSELF: tuple[protocol.WaitReason, ...] = ("time", "turn")
_GOES_SLOWER = "Memory stays short, so the training goes on in a slower way that takes less of it."
_LESS_MEMORY_HELPS: tuple[Ending, ...] = ("out of memory", "gpu timeout")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Persistence:
    """How hard a supervisor tries; times in seconds.

    tries: in a row without a new checkpoint. rests: before the next try, by how many failed.
    memory_rests: likewise, after other programs were found to have the memory.
    poll: how often requests are looked for. look: how often machine and disk are looked at.
    stop: how long the training may take to save when it is asked to.
    """

    tries: int = 3
    rests: tuple[float, ...] = (1.0, 2.0, 5.0)
    memory_rests: tuple[float, ...] = (15.0, 60.0, 180.0, 600.0)
    poll: float = 0.2
    look: float = 10.0
    stop: float = 900.0


@dataclass(frozen=True)
class _Watched:
    """The last look at memory; whether the process was asked to stop, and killed as it did not."""

    memory: MemoryLook
    asked: bool
    killed: bool


class Supervisor:
    """Brings one run to its end. `leave` says that the system wants this process gone."""

    def __init__(
        self,
        folder: JobFolder,
        surroundings: Surroundings,
        leave: Callable[[], bool],
        persistence: Persistence = Persistence(),
        command: Sequence[str] = TRAINING,
    ) -> None:
        self._folder = folder
        self._surroundings = surroundings
        self._leave = leave
        self._persistence = persistence
        self._command = command
        self._journal = Journal(folder)
        self._reader = folder.reader()
        self._status = JobStatus()
        folder.refresh(self._status, self._reader)
        self._energy = EnergyLog(self._journal, surroundings.energy, self._status.watt_hours)
        self._hindrances = Hindrances(
            folder, surroundings, persistence.look, persistence.memory_rests
        )
        self._saved_before = 0
        self._studied_before = 0.0
        self._failures = 0
        self._refusals = 0
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
        self._tell_the_end(end)
        return end

    def _work(self) -> End | None:
        while self._wait():
            end, asked = self._attempt()
            if self._made_progress():
                self._refusals = 0
            if isinstance(end, protocol.Finished):
                return end
            if isinstance(end, protocol.Waiting):
                self._be_refused(end)
                continue
            if self._must_end() or (asked and isinstance(end, protocol.Stopped)):
                continue
            if failed := self._recover(end):
                return failed
        is_to_resume = self._leave() or self._is_gone()
        return None if is_to_resume else protocol.Stopped(step=self._folder.newest_checkpoint())

    def _must_end(self) -> bool:
        return self._leave() or self._folder.stop_requested() or self._is_gone()

    def _is_gone(self) -> bool:
        """Whether the run's folder was taken away, so that nobody can ask for an end any more."""
        return not self._folder.path.is_dir()

    def _wait(self) -> bool:
        """Wait until nothing hinders the work; False when asked to end meanwhile."""
        with contextlib.ExitStack() as ready:
            return self._wait_ready(ready)

    def _wait_ready(self, ready: contextlib.ExitStack) -> bool:
        told: protocol.Waiting | None = None
        while not self._must_end():
            hindrance = self._hindrances.to_begin()
            if hindrance is None:
                if told is not None:
                    self._journal.settle()
                    self._journal.append(protocol.WaitOver())
                return True
            if told is None or (hindrance.reason, hindrance.text) != (told.reason, told.text):
                self._tell_waiting(hindrance)
                told = hindrance
                ready.close()
                if hindrance.reason in _COMES_BY_ITSELF or hindrance.needed_bytes:
                    ready.enter_context(self._surroundings.ready())
            self._journal.flush()
            time.sleep(self._persistence.poll)
        return False

    def _attempt(self) -> tuple[Outcome | AbnormalEnd, bool]:
        """Let the training work until its process ends; also says whether it was asked to."""
        before = look_at_memory()
        self._saved_before = self._folder.newest_checkpoint() or 0
        self._studied_before = self._folder.studied_at()
        try:
            with (
                self._surroundings.awake(),
                TrainingProcess(self._folder, self._command) as process,
            ):
                watched = self._watch(process, before)
                end = process.outcome() or self._end_without_a_word(process, before, watched)
        except OSError as error:  # it could not even be started
            return protocol.Failed(error=report_of(error)), False
        finally:
            self._journal.mend()
            self._folder.refresh(self._status, self._reader)
        return end, watched.asked

    def _end_without_a_word(
        self, process: TrainingProcess, before: MemoryLook, watched: _Watched
    ) -> Outcome | AbnormalEnd:
        if watched.killed:
            return protocol.Stopped()  # as it was asked to, if not in its own way
        out_of_memory = ran_out(before, watched.memory, look_at_memory())
        return AbnormalEnd(process.return_code, process.printed(), out_of_memory)

    def _watch(self, process: TrainingProcess, memory: MemoryLook) -> _Watched:
        """Until the process ends, which it is asked to once something hinders it."""
        asked_at: float | None = None
        killed = False
        look = Every(self._persistence.look)
        while not process.is_over(self._persistence.poll):
            self._journal.flush()
            self._energy.tell_when_due()
            if look.is_due():
                memory = look_at_memory()
            if asked_at is None and (self._must_end() or self._hindrances.to_go_on()):
                process.ask_to_stop()
                asked_at = time.monotonic()
            elif asked_at is not None and time.monotonic() - asked_at > self._persistence.stop:
                _log.warning("the training does not stop when asked to")
                process.kill()
                killed = True
        return _Watched(memory, asked_at is not None, killed)

    def _made_progress(self) -> bool:
        """Whether the last attempt saved anything new."""
        is_further = (self._folder.newest_checkpoint() or 0) > self._saved_before
        return is_further or self._folder.studied_at() > self._studied_before

    def _be_refused(self, waiting: protocol.Waiting) -> None:
        """Wait for memory; once that was in vain, take the slower way where there is one."""
        self._refusals += 1
        if waiting.could_take_less and self._refusals > 1 and self._lower_memory():
            self._journal.append(protocol.Notice(text=_GOES_SLOWER))
        else:
            self._hindrances.need_memory(waiting, self._refusals)

    def _recover(self, end: End | AbnormalEnd) -> protocol.Failed | None:
        """Make the next try better than the last; the error to end with where none is left."""
        if isinstance(end, protocol.Failed) and end.error.kind == ErrorKind.BUSY:
            return None  # another run was quicker: it is waited for
        ending, is_full = self._ending_of(end)
        if ending is None:
            assert isinstance(end, protocol.Failed)
            return end
        step, checkpoint = self._status.step, self._folder.newest_checkpoint() or 0
        if self._made_progress():
            self._failures = 0
        elif not is_full:
            self._failures += 1
        if self._failures >= self._persistence.tries:
            return self._give_up(ending, end)
        text = process_ends.explain(ending, checkpoint)
        self._journal.append(protocol.AttemptEnded(ending=ending, step=step, text=text))
        self._ease(ending)
        self._rest()
        self._tell_started()
        return None

    def _ending_of(self, end: End | AbnormalEnd) -> tuple[Ending | None, bool]:
        """Why the training ended, None for a reason that stays; and whether the disk is full."""
        if isinstance(end, AbnormalEnd):
            ending: Ending | None = process_ends.classify(end)
        elif isinstance(end, protocol.Failed):
            ending = process_ends.ending_of_error(end.error)
        else:
            ending = "killed"  # it saved and stopped, but nobody had asked for that here
        is_full = ending in (None, "disk full") and not self._hindrances.need_room()
        return ("disk full" if is_full else ending), is_full

    def _ease(self, ending: Ending) -> None:
        """What the cause calls for; the last try is the most frugal there is."""
        if ending in _LESS_MEMORY_HELPS:
            last = self._failures == self._persistence.tries - 1
            # What takes the GPU away is how long it is busy at a time.
            self._lower_memory(smaller=ending == "gpu timeout", to_the_end=last)

    def _lower_memory(self, smaller: bool = False, to_the_end: bool = False) -> bool:
        """Have the next try take less memory; whether that could be written down."""
        try:
            lower_memory(self._folder, smaller, to_the_end)
        except OSError as error:
            _log.warning("the next try is no more frugal: %s", error)
            return False
        return True

    def _rest(self) -> None:
        rests = self._persistence.rests
        until = time.monotonic() + rests[min(self._failures, len(rests) - 1)]
        while time.monotonic() < until and not self._must_end():
            time.sleep(min(self._persistence.poll, self._persistence.rests[0]))

    def _give_up(self, ending: Ending, end: End | AbnormalEnd) -> protocol.Failed:
        if isinstance(end, protocol.Failed):
            return end  # it knows better than anyone
        printed = end.printed if isinstance(end, AbnormalEnd) else ""
        error = process_ends.give_up(ending, self._failures, self._saved_before, printed)
        return protocol.Failed(error=report_of(error))

    def _tell_started(self) -> None:
        resumed_from = self._folder.newest_checkpoint()
        self._journal.append(protocol.Started(pid=os.getpid(), resumed_from=resumed_from))

    def _tell_waiting(self, hindrance: protocol.Waiting) -> None:
        self._journal.append(hindrance)
        if hindrance.reason == "disk" or (hindrance.needed_bytes and not self._notified_of_memory):
            self._surroundings.notify(_TITLE, hindrance.text)
        self._notified_of_memory |= hindrance.needed_bytes > 0

    def _tell_the_end(self, end: End | None) -> None:
        """Append the last event; where the disk is full, once there is room or nobody waits."""
        if end is None:
            step = self._folder.newest_checkpoint()
            text = "The system asked to end." + (f" Step {step:,} is saved." if step else "")
            self._journal.append(protocol.Notice(text=text))
        else:
            self._journal.append(end)
        if isinstance(end, protocol.Finished):
            self._surroundings.notify(_TITLE, f"{end.result['adapter']} is ready. Chat with it.")
        elif isinstance(end, protocol.Failed):
            self._surroundings.notify(_TITLE, end.error.message)
        while not self._journal.close() and not self._must_end():
            time.sleep(self._persistence.look)
