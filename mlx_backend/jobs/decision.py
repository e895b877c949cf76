"""What a supervisor does after an attempt: it is done, goes on, waits, retries or gives up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind
from mlx_backend.jobs import exit_causes
from mlx_backend.jobs.attempt import AttemptResult
from mlx_backend.jobs.exit_causes import AbnormalExit
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.protocol import Ending

Unfinished = protocol.Stopped | protocol.Failed | AbnormalExit


@dataclass(frozen=True)
class Done:
    """The run is finished."""

    end: protocol.Finished


@dataclass(frozen=True)
class GoOn:
    """Nothing went wrong: the next attempt begins as soon as there is no reason to wait."""


@dataclass(frozen=True)
class Wait:
    """The training found too little free memory, for the `times`th time without progress."""

    waiting: protocol.Waiting
    times: int


@dataclass(frozen=True)
class Retry:
    """The attempt failed; `is_last` says that only one more attempt may fail."""

    cause: Ending
    is_last: bool


@dataclass(frozen=True)
class GiveUp:
    """The run has failed."""

    end: protocol.Failed


Decision = Done | GoOn | Wait | Retry | GiveUp


class Judge:
    """Decides after each attempt, and counts the failures in a row.

    `tries` failures without progress are too many. `has_room` says whether the disk takes what a
    run writes next; it is asked where a full disk may be the cause.
    """

    def __init__(self, tries: int, has_room: Callable[[], bool]) -> None:
        self._tries = tries
        self._has_room = has_room
        self._failures = 0
        self._refusals = 0

    @property
    def failures(self) -> int:
        """How many attempts in a row failed without progress."""
        return self._failures

    def decide(self, result: AttemptResult, must_end: bool, checkpoint: int) -> Decision:
        """What follows. `must_end`: the run was told to end. `checkpoint`: the newest step."""
        if result.made_progress:
            self._refusals = 0
        match result.outcome:
            case protocol.Finished() as end:
                return Done(end)
            case protocol.Waiting() as waiting:
                self._refusals += 1
                return Wait(waiting, self._refusals)
            case end if must_end or _is_harmless(end, result.was_asked_to_stop):
                return GoOn()
            case end:
                return self._after_failure(end, result.made_progress, checkpoint)

    def _after_failure(self, end: Unfinished, made_progress: bool, checkpoint: int) -> Decision:
        cause = _cause_of(end)
        is_disk_full = cause in (None, "disk full") and not self._has_room()
        if is_disk_full:
            cause = "disk full"
        if made_progress:
            self._failures = 0
        elif not is_disk_full:
            self._failures += 1
        if isinstance(end, protocol.Failed) and (cause is None or self._is_too_often):
            return GiveUp(end)  # the training's own error says most
        if cause is None or self._is_too_often:
            printed = end.printed if isinstance(end, AbnormalExit) else ""
            error = exit_causes.final_error(cause or "crash", self._failures, checkpoint, printed)
            return GiveUp(protocol.Failed(error=report_of(error)))
        return Retry(cause, is_last=self._failures == self._tries - 1)

    @property
    def _is_too_often(self) -> bool:
        return self._failures >= self._tries


def _is_harmless(end: Unfinished, was_asked_to_stop: bool) -> bool:
    """Whether it stopped as asked, or found another run training, which is waited for."""
    if isinstance(end, protocol.Stopped):
        return was_asked_to_stop
    return isinstance(end, protocol.Failed) and end.error.kind == ErrorKind.BUSY


def _cause_of(end: Unfinished) -> Ending | None:
    """Why the training ended; None for an error that another attempt would meet again."""
    match end:
        case AbnormalExit():
            return exit_causes.cause_of_exit(end)
        case protocol.Failed():
            return exit_causes.cause_of_error(end.error)
        case protocol.Stopped():
            return "killed"  # it saved and stopped, but not because the supervisor asked it to
