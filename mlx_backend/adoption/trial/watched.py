"""A process that works on a stranger's model, watched and ended by this one.

Libraries that read such files crash, hang and take all memory there is. Here only that process
does, and the model is refused with a sentence that says what was tried.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import psutil

from mlx_backend.adoption.trial import messages, stages
from mlx_backend.adoption.trial.messages import ProblemKind
from mlx_backend.adoption.trial.stages import Stage
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.text.words import printable
from mlx_backend.training.stop_requests import StoppedEarly

_LOOK_EVERY_S = 0.05
_MOST_PRINTED = 1 << 14
_KEPT_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "OVERNIGHT_CORES"),
    *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
)
_NO_NETWORK = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
_CHOOSE_ANOTHER = "Choose another model: `overnight models --catalogue` lists good ones."
_MAKE_ROOM = {
    "no_memory": "Close other large programs, then go on: what is there already is kept. Or choose"
    " a smaller model.",
    "disk_full": "Make room, then go on: what is there already is kept.",
}


@dataclass(frozen=True)
class TrialLimits:
    """What replaces the limits of the stages, in tests; and the module to run as the process.

    seconds: of every stage but the start, in processor time; memory: bytes. None leaves a limit as
    it is. patience: so many times as long a stage may take on a machine that is busy otherwise.
    """

    seconds: float | None = None
    memory: int | None = None
    patience: float = 10.0
    module: str = ""


STANDARD = TrialLimits()
"""The limits outside tests."""


class _FailedError(Exception):
    """The process was ended or died: the message goes on after "... was tried, but"."""

    def __init__(self, reason: str, kind: ProblemKind = "bad_input") -> None:
        super().__init__(reason)
        self.kind: ProblemKind = kind


@dataclass(frozen=True)
class Assignment:
    """What a process is to do.

    module: what it runs as. folder: with the model, called `name`. weights: the bytes of memory
    that its weights will take. memory: the most bytes that the process may take. more: arguments
    for the module.
    """

    module: str
    folder: Path
    name: str
    weights: int
    memory: int
    more: Sequence[str] = ()


@dataclass(frozen=True)
class Moment:
    """A moment of a process: by the clock, and by the processor time that it has used (seconds)."""

    clock: float
    used: float


class Progress:
    """Knows the stage and when the last sign of progress came; `on_reply` gets each of these."""

    def __init__(
        self,
        on_reply: Callable[[messages.Began | messages.Asked], object],
        stage: Stage = stages.START,
    ) -> None:
        self._on_reply = on_reply
        self.stage = stage
        self.since = Moment(time.monotonic(), 0.0)

    def take(self, reply: messages.Began | messages.Asked, now: Moment) -> None:
        """Note a sign of progress, and pass it on."""
        self.since = now
        if isinstance(reply, messages.Began):
            self.stage = stages.STAGES[reply.stage]
        self._on_reply(reply)


class WatchedProcess:
    """A running process, with the pipe that it tells and what it prints."""

    def __init__(self, what: Assignment, limits: TrialLimits) -> None:
        self._weights, self._limits = what.weights, limits
        self._memory_limit = limits.memory or what.memory
        self._pipe, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", limits.module or what.module, str(theirs)),
                    *(str(what.folder.resolve()), what.name, str(self._memory_limit), *what.more),
                ],
                stdin=subprocess.PIPE,  # its end tells the process that this one is gone
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
                env=_environment(),
                pass_fds=[theirs],
            )
        finally:
            os.close(theirs)
        self._watched = psutil.Process(self._process.pid)
        assert self._process.stderr is not None
        self._printing: tuple[int, ...] = (self._process.stderr.fileno(),)
        self._printed = b""
        self._stream = messages.ReplyStream()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill the process; it has nothing to save."""
        self._process.kill()
        self._process.wait()
        os.close(self._pipe)
        for stream in (self._process.stdin, self._process.stderr):
            if stream is not None:
                stream.close()

    def outcome(self, progress: Progress, stop_requested: Callable[[], bool]) -> messages.Outcome:
        """Wait for the end of its work, within the limits. Raises StoppedEarly."""
        try:
            while True:
                for reply in self._replies(progress, stop_requested):
                    if isinstance(reply, messages.Began | messages.Asked):
                        progress.take(reply, self._now())
                    else:
                        return self._judged(reply, progress.stage)
        except _FailedError as failed:
            printed = self._printed.decode("utf-8", "replace")
            return messages.Refused(reason=str(failed), detail=printed, kind=failed.kind)
        except msgspec.DecodeError as error:
            return messages.Refused(reason="its process said something odd", detail=repr(error))

    def _replies(
        self, progress: Progress, stop_requested: Callable[[], bool]
    ) -> Iterator[messages.TrialReply]:
        """Wait for the next replies while checking time and memory. Raises _FailedError."""
        while True:
            if stop_requested():
                raise StoppedEarly
            ready = select.select([self._pipe, *self._printing], [], [], _LOOK_EVERY_S)[0]
            self._check_limits(progress)
            for source in self._printing:
                if source in ready:
                    self._take_printed(source)
            if self._pipe in ready:
                data = os.read(self._pipe, 1 << 16)
                if not data:
                    raise self._death()
                return self._stream.feed(data)

    def _check_limits(self, progress: Progress) -> None:
        stage = progress.stage
        allowed = stage.time(self._weights)
        if stage is not stages.START and self._limits.seconds is not None:
            allowed = self._limits.seconds
        now, since = self._now(), progress.since
        waited, used = now.clock - since.clock, now.used - since.used
        if used > allowed or waited > self._limits.patience * allowed:
            raise _FailedError(f"it took longer than {_duration(allowed)}")
        limit = min(stage.memory or self._memory_limit, self._memory_limit)
        if self._memory() > limit:
            kind = self._kind_of_shortage(stage)
            raise _FailedError(f"it needed more than {limit / 1e9:.1f} GB of memory", kind)

    def _take_printed(self, source: int) -> None:
        """Keep the end of what the process prints, until it closes that."""
        data = os.read(source, 1 << 16)
        self._printed = (self._printed + data)[-_MOST_PRINTED:]
        if not data:
            self._printing = ()

    def _now(self) -> Moment:
        used = 0.0
        with contextlib.suppress(psutil.Error):
            times = self._watched.cpu_times()
            used = times.user + times.system
        return Moment(time.monotonic(), used)

    def _memory(self) -> int:
        """The resident memory in bytes; 0 when the process is gone."""
        try:
            return int(self._watched.memory_info().rss)
        except psutil.Error:
            return 0

    def _judged(self, reply: messages.Outcome, stage: Stage) -> messages.Outcome:
        if isinstance(reply, messages.Refused) and reply.kind == "no_memory":
            return msgspec.structs.replace(reply, kind=self._kind_of_shortage(stage))
        return reply

    def _kind_of_shortage(self, stage: Stage) -> ProblemKind:
        """Whether more free memory would help: not where the stage itself allows no more."""
        is_greedy = 0 < stage.memory <= self._memory_limit
        return "bad_input" if is_greedy else "no_memory"

    def _death(self) -> _FailedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        if code == -signal.SIGKILL:
            reason = "the system ended its process, as it does when memory runs out"
            return _FailedError(reason, "no_memory")
        if code is not None and code < 0:
            return _FailedError(f"the process crashed (signal {-code})")
        return _FailedError(f"the process ended early (code {code})")


def refusal(name: str, refused: messages.Outcome, stage: Stage) -> OvernightError:
    """The error for a model whose process ended with anything but what it was to tell."""
    if not isinstance(refused, messages.Refused):
        refused = messages.Refused(reason="its process said something odd")
    said = printable(refused.message or f"{stage.tried} was tried, but {refused.reason}.")
    if not refused.message:
        cannot = "cannot be used here" if refused.kind == "bad_input" else "cannot be tried now"
        said = f"The model '{name}' {cannot}. {said}"
    hint = _MAKE_ROOM.get(refused.kind) or printable(refused.hint) or _CHOOSE_ANOTHER
    return OvernightError(ErrorKind(refused.kind), said, hint, refused.detail)


def _environment() -> dict[str, str]:
    kept = {k: os.environ[k] for k in _KEPT_VARIABLES if k in os.environ}
    return kept | _NO_NETWORK | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds > 120 else f"{seconds:.0f} seconds"
