"""The server that other programs of this computer ask: a child process, ended with the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from app.jobs.engine_command import COMMAND
from app.jobs.line_splitter import LineSplitter
from app.jobs.worker_log import WorkerLog
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.home import HOME_VARIABLE
from mlx_backend.protocol import ErrorReport

_LONGEST_LINE = 1 << 16
_POLITE_MS = 4000  # for the answers that are under way
_LAST_MS = 1000


class ServerState(StrEnum):
    """What the server is doing."""

    OFF = "off"
    STARTING = "starting"
    ON = "on"
    ENDING = "ending"


@dataclass(frozen=True)
class ServerAccess:
    """How a program asks the server: its address, its token, and the name of a model."""

    address: str
    token: str
    model: str

    @property
    def client_line(self) -> str:
        """The line of Python that makes a client of OpenAI's for it."""
        return f'client = OpenAI(base_url="{self.address}", api_key="{self.token}")'


class LocalServer(QObject):
    """Starts the server and ends it. Off until it is switched on, and in each new window."""

    changed = Signal()
    """`state`, `access` or `error` is another."""

    def __init__(
        self,
        library: Library,
        parent: QObject | None = None,
        command: Sequence[str] = (*COMMAND, "serve", "--json", "--until-input-ends"),
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._command = command
        self._process: QProcess | None = None
        self._log: WorkerLog | None = None
        self._splitter = LineSplitter(_LONGEST_LINE)
        self._patience = QTimer(self, singleShot=True, interval=_POLITE_MS)
        self._patience.timeout.connect(self._kill)
        self.state = ServerState.OFF
        self.access: ServerAccess | None = None
        self.error: OvernightError | None = None

    def switch(self, is_on: bool) -> None:
        """Start the server, or end it; `changed` tells when that is done."""
        if is_on and self._process is None:
            self._start()
        elif not is_on and self._process is not None and self.state is not ServerState.ENDING:
            self._process.closeWriteChannel()
            self._patience.start()
            self._enter(ServerState.ENDING)

    def shut_down(self) -> None:
        """End it at once: the window closes."""
        process, self._process = self._process, None
        self._patience.stop()
        if process is not None:
            process.closeWriteChannel()
            if not process.waitForFinished(_LAST_MS):
                process.kill()
                process.waitForFinished(_LAST_MS)
        if self._log is not None:
            self._log.close()
            self._log = None

    def _start(self) -> None:
        self._splitter = LineSplitter(_LONGEST_LINE)
        self._log = self._log or WorkerLog(self._library.logs / "server.log")
        process = self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert(HOME_VARIABLE, str(self._library.home))
        process.setProcessEnvironment(environment)
        # A Ctrl-C in the terminal is for the window, which ends this process in its own way.
        process.setUnixProcessParameters(QProcess.UnixProcessFlag.CreateNewSession)
        process.setWorkingDirectory("/")
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_log)
        process.finished.connect(self._take_end)
        process.errorOccurred.connect(self._take_start_failure)
        self.error = None
        self._enter(ServerState.STARTING)
        program, *arguments = self._command
        process.start(program, arguments)

    def _read(self) -> None:
        if self._process is None:
            return
        for line in self._splitter.feed(bytes(self._process.readAllStandardOutput().data())):
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            told = msgspec.json.decode(line, type=_Told)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if told.error is not None:
            self.error = _in_the_window(told.error.to_error())
        elif told.address and told.token and self.state is ServerState.STARTING:
            self.access = ServerAccess(told.address, told.token, told.model)
            self._enter(ServerState.ON)

    def _read_log(self) -> None:
        if self._process is not None and self._log is not None:
            self._log.write(bytes(self._process.readAllStandardError().data()))

    def _take_start_failure(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._take_end()

    def _take_end(self, *_: object) -> None:
        if self._process is None:
            return
        self._read()
        self._read_log()
        if self._log is not None:
            self._log.end()
        self._process.deleteLater()
        self._process = None
        self._patience.stop()
        if self.state is not ServerState.ENDING and self.error is None:
            self.error = _ended_by_itself()
        self._enter(ServerState.OFF)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _enter(self, state: ServerState) -> None:
        self.state = state
        if state is not ServerState.ON:
            self.access = None
        self.changed.emit()


class _Told(msgspec.Struct):
    """A line of the command: where the server is, or why there is none."""

    address: str = ""
    token: str = ""
    model: str = ""
    error: ErrorReport | None = None


def _in_the_window(error: OvernightError) -> OvernightError:
    """The error; the hint for a taken port names an option of the command line."""
    if error.kind is not ErrorKind.BUSY:
        return error
    hint = "End that program, or another window's server, then switch it on again."
    return OvernightError(error.kind, error.message, hint, error.detail)


def _ended_by_itself() -> OvernightError:
    return OvernightError(
        ErrorKind.WORKER_STOPPED,
        "The server has ended unexpectedly.",
        "Switch it on again. If it ends again, its log file says more.",
    )
