"""Asks the engine what tonight's run would do, in a process of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from app.jobs.engine_command import COMMAND
from app.jobs.engine_process import engine_process
from app.library.window_state import window_state
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.notes import Totals
from mlx_backend.protocol import ErrorReport
from mlx_backend.settings import Settings

_LONGEST_REPLY = 1 << 20
_EXPECTED_KEY = "planner/seconds"

_log = logging.getLogger(__name__)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do; `instead` is a base model that fits where this one does not.

    Of `unstudied` passages the base model has not written samples yet: as long as there are some,
    the plan is an estimate, and the run makes its own when it has studied.
    """

    samples: int
    steps: int
    peak_bytes: int
    minutes: float
    fits: bool
    saves_to_fit: bool = False
    way: str = ""
    instead: str = ""
    notes: int
    passes: float = 1.0
    unstudied: int = 0

    @property
    def is_lasting(self) -> bool:
        """Whether it would be the same again, however much memory is free then."""
        return self.fits and not self.saves_to_fit


@dataclass(frozen=True)
class PlanQuestion:
    """What a plan depends on. Two equal questions have the same answer.

    `studied` counts the passages that a base model has written about. `start_from` names the
    adapter to go on from, "" for a fresh one.
    """

    totals: Totals
    studied: int
    model: str
    hours: float
    passes: int | None
    rank: int | None
    kind: str
    embeddings: bool
    low_memory: bool
    start_from: str = ""

    @classmethod
    def of(
        cls, totals: Totals, settings: Settings, studied: int = 0, start_from: str = ""
    ) -> PlanQuestion:
        """The question for these notes and settings."""
        return cls(
            totals,
            studied,
            settings.base_model,
            settings.hours,
            settings.passes,
            settings.rank,
            settings.adapter_kind,
            settings.embeddings,
            settings.low_memory,
            start_from,
        )


class Planner(QObject):
    """Answers one question at a time; a new one replaces the one that is being worked on.

    Measuring real training steps takes seconds, so answers are kept, but for those that other
    programs have a part in: memory that was short may be free by now.
    """

    planned = Signal(object, object)
    """The PlanQuestion and its Plan."""

    failed = Signal(object, object)
    """The PlanQuestion and the OvernightError."""

    def __init__(
        self,
        library: Library,
        parent: QObject | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._command = command
        self._answers: dict[PlanQuestion, Plan] = {}
        self._question: PlanQuestion | None = None
        self._process: QProcess | None = None
        self._began = 0.0
        self._state = window_state(library.home)

    @property
    def expected_s(self) -> float | None:
        """How long an answer takes, in seconds, judged by the last one; None before the first."""
        try:
            return float(str(self._state.value(_EXPECTED_KEY))) or None
        except ValueError:
            return None

    def ask(self, question: PlanQuestion) -> None:
        """Answer by `planned` or `failed`; the same question while it is worked on is one."""
        known = self._answers.get(question)
        if known is not None:
            self.cancel()
            QTimer.singleShot(0, self, lambda: self.planned.emit(question, known))
        elif question != self._question:
            self.cancel()
            self._question = question
            self._start(question)

    def cancel(self) -> None:
        """Drop the question that is being worked on."""
        process, self._process, self._question = self._process, None, None
        if process is not None:
            process.kill()

    def shut_down(self) -> None:
        """End the process."""
        process = self._process
        self.cancel()
        if process is not None:
            process.waitForFinished(1000)

    def _start(self, question: PlanQuestion) -> None:
        process = self._process = engine_process(self, self._library)
        program, *arguments = self._command
        arguments += ["plan", "--json", "--model", question.model, "--hours", str(question.hours)]
        if question.start_from:
            arguments.append(f"--from={question.start_from}")
        process.finished.connect(lambda: self._take(process))
        process.errorOccurred.connect(lambda error: self._take_start_failure(process, error))
        self._began = time.monotonic()
        process.start(program, arguments)

    def _take_start_failure(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._take(process)

    def _take(self, process: QProcess) -> None:
        process.deleteLater()
        question = self._question
        if process is not self._process or question is None:
            return  # Cancelled.
        self._process = self._question = None
        output = bytes(process.readAllStandardOutput().data())
        log = bytes(process.readAllStandardError().data())
        try:
            plan = read_reply(output, log.decode("utf-8", "replace"))
        except OvernightError as error:
            _log.warning("planning failed: %s\n%s", error.message, error.detail)
            self.failed.emit(question, error)
        else:
            if plan.is_lasting:
                self._answers[question] = plan
            self._state.setValue(_EXPECTED_KEY, round(time.monotonic() - self._began, 1))
            self.planned.emit(question, plan)


class _FailedReply(msgspec.Struct):
    error: ErrorReport


def read_reply(output: bytes, log: str = "") -> Plan:
    """Read what the command printed. Raises its error, or one for a reply that makes no sense."""
    last_line = output[-_LONGEST_REPLY:].strip().rpartition(b"\n")[2]
    try:
        return msgspec.json.decode(last_line, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        report = msgspec.json.decode(last_line, type=_FailedReply).error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OvernightError(
            ErrorKind.INTERNAL,
            "The plan for tonight could not be made.",
            "Try again. If it happens again, the log file says more.",
            f"{error}\n{log}",
        ) from error
    raise report.to_error()
