"""A trial of a model before it is adopted, in a process of its own.

The files of a model come from strangers, and libraries that read such files crash, hang and take
all memory there is. Here only the trial's process does, and the model is refused with a sentence
that says what was tried.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import psutil

from mlx_backend.adoption.trial import messages, stages
from mlx_backend.adoption.trial.memory import limit_for, weights_in_memory
from mlx_backend.adoption.trial.reading_exam import questions
from mlx_backend.adoption.trial.stages import Extent, Stage
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.abilities import Abilities
from mlx_backend.text.words import printable
from mlx_backend.training.stop_requests import StoppedEarly
from mlx_backend.training.trial import keep_trial

_LOOK_EVERY_S = 0.05
_MOST_PRINTED = 1 << 14
_KEPT_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "OVERNIGHT_CORES"),
    *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
)
_NO_NETWORK = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
_CHOOSE_ANOTHER = "Choose another model: `overnight models --catalogue` lists good ones."


@dataclass(frozen=True)
class TrialLimits:
    """What replaces the limits of the stages, in tests; and the module to run as the process.

    seconds: of every stage but the start, in processor time; memory: bytes. None leaves a limit as
    it is. patience: so many times as long a stage may take on a machine that is busy otherwise.
    """

    seconds: float | None = None
    memory: int | None = None
    patience: float = 10.0
    module: str = "mlx_backend.adoption.trial.process"


class _FailedError(Exception):
    """The process was ended or died: the message goes on after "... was tried, but"."""


def try_model(
    candidate: Path,
    name: str,
    on_progress: Callable[[int, int], object],
    stop_requested: Callable[[], bool],
    limits: TrialLimits = TrialLimits(),
) -> Abilities:
    """Try the model in the folder `candidate`, to be called `name`; returns what it can.

    The folder holds weights in MLX's or Hugging Face's form, config.json and tokenizer.json. What
    the trial tells of training is written beside them. `on_progress` gets the numbers of steps
    done and in all. Raises OvernightError with a sentence that says what was tried and how it
    failed, and StoppedEarly once `stop_requested` returns true.
    """
    weights = _weights(candidate, name)
    progress = _Progress(on_progress)
    with _Process(candidate, name, weights, limits) as process:
        passed = process.outcome(progress, stop_requested)
    if not isinstance(passed, messages.Passed):
        raise _refused(name, passed, progress.stage)
    keep_trial(candidate, passed.training, passed.abilities.tried_with)
    return passed.abilities


@dataclass(frozen=True)
class _Moment:
    """A moment of a process: by the clock, and by the processor time that it has used (seconds)."""

    clock: float
    used: float


class _Progress:
    """Knows the stage, and counts stages and questions of the exam as steps."""

    def __init__(self, on_progress: Callable[[int, int], object]) -> None:
        self._on_progress = on_progress
        self.stage: Stage = stages.START
        self.since = _Moment(time.monotonic(), 0.0)

    def take(self, reply: messages.Began | messages.Asked, now: _Moment) -> None:
        self.since = now
        asked = 0
        if isinstance(reply, messages.Began):
            self.stage = stages.STAGES[reply.stage]
        else:
            asked = min(reply.done, len(questions()))
        before = list(stages.STAGES).index(self.stage.name)
        self._on_progress(before + asked, len(stages.STAGES) - 1 + len(questions()))


class _Process:
    """A running trial, with the pipe that it tells and what it prints."""

    def __init__(self, folder: Path, name: str, weights: int | None, limits: TrialLimits) -> None:
        """Start it. weights: bytes that the weights will take; None: they are not there yet."""
        extent: Extent = "all" if weights is not None else "tokenizer"
        self._weights, self._limits = weights or 0, limits
        self._memory_limit = limits.memory or limit_for(self._weights)
        self._pipe, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", limits.module),
                    *(str(theirs), str(folder.resolve()), name, str(self._memory_limit), extent),
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

    def outcome(self, progress: _Progress, stop_requested: Callable[[], bool]) -> messages.Outcome:
        """Wait for the end of the trial, within its limits. Raises StoppedEarly."""
        try:
            while True:
                for reply in self._replies(progress, stop_requested):
                    if isinstance(reply, messages.Began | messages.Asked):
                        progress.take(reply, self._now())
                    else:
                        return reply
        except _FailedError as failed:
            printed = self._printed.decode("utf-8", "replace")
            return messages.Refused(reason=str(failed), detail=printed)
        except msgspec.DecodeError as error:
            return messages.Refused(reason="its process said something odd", detail=repr(error))

    def _replies(
        self, progress: _Progress, stop_requested: Callable[[], bool]
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
                    raise _FailedError(self._cause_of_death())
                return self._stream.feed(data)

    def _check_limits(self, progress: _Progress) -> None:
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
            raise _FailedError(f"it needed more than {limit / 1e9:.1f} GB of memory")

    def _take_printed(self, source: int) -> None:
        """Keep the end of what the process prints, until it closes that."""
        data = os.read(source, 1 << 16)
        self._printed = (self._printed + data)[-_MOST_PRINTED:]
        if not data:
            self._printing = ()

    def _now(self) -> _Moment:
        used = 0.0
        with contextlib.suppress(psutil.Error):
            times = self._watched.cpu_times()
            used = times.user + times.system
        return _Moment(time.monotonic(), used)

    def _memory(self) -> int:
        """The resident memory in bytes; 0 when the process is gone."""
        try:
            return int(self._watched.memory_info().rss)
        except psutil.Error:
            return 0

    def _cause_of_death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.returncode
        if code is not None and code < 0:
            if -code == signal.SIGKILL:
                return "the system ended its process, as it does when memory runs out"
            return f"the process crashed (signal {-code})"
        return f"the process ended early (code {code})"


def try_tokenizer(
    folder: Path,
    name: str,
    stop_requested: Callable[[], bool],
    limits: TrialLimits = TrialLimits(),
) -> None:
    """Try the tokenizer and the chat template in `folder`, which need no weights.

    Raises OvernightError and StoppedEarly as `try_model` does.
    """
    progress = _Progress(lambda *_: None)
    with _Process(folder, name, None, limits) as process:
        found = process.outcome(progress, stop_requested)
    if not isinstance(found, messages.Readable):
        raise _refused(name, found, progress.stage)


def _weights(candidate: Path, name: str) -> int:
    """The bytes that its weights will take. Raises OvernightError where they do not fit."""
    try:
        weights = weights_in_memory(candidate)
    except (OSError, ValueError, RecursionError) as error:
        reason = "its files are not what they say"
        raise _refused(
            name, messages.Refused(reason=reason, detail=str(error)), stages.WEIGHTS
        ) from error
    room = limit_for(weights)
    if weights > room:
        raise OvernightError(
            ErrorKind.NO_MEMORY,
            f"The model '{name}' takes {weights / 1e9:.1f} GB of memory here,"
            f" and {max(0, room) / 1e9:.1f} GB are free.",
            "Close other large programs, or choose a smaller model.",
        )
    return weights


def _refused(name: str, refused: messages.Outcome, stage: Stage) -> OvernightError:
    if not isinstance(refused, messages.Refused):
        refused = messages.Refused(reason="its process said something odd")
    said = printable(refused.message or f"{stage.tried} was tried, but {refused.reason}.")
    if not refused.message:
        said = f"The model '{name}' cannot be used here. {said}"
    return OvernightError(ErrorKind.BAD_INPUT, said, _CHOOSE_ANOTHER, refused.detail)


def _environment() -> dict[str, str]:
    kept = {k: os.environ[k] for k in _KEPT_VARIABLES if k in os.environ}
    return kept | _NO_NETWORK | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds > 120 else f"{seconds:.0f} seconds"
