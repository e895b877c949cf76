"""The server that other programs of this computer ask: a child process, ended with the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.engine_command import COMMAND
from app.jobs.engine_process import TalkingProcess
from app.jobs.worker_log import WorkerLog
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.protocol import ErrorReport
from mlx_backend.settings import Settings

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
    """How a program asks the server: its address, its token, and the name of a model.

    token_kept: whether the token is the same at the next start. old_token_may_return: whether one
    that was to be replaced may count again at a later start.
    """

    address: str
    token: str = field(repr=False)
    model: str
    token_kept: bool = False
    old_token_may_return: bool = False

    @property
    def client_line(self) -> str:
        """The line of Python that makes a client of OpenAI's for it."""
        return f'client = OpenAI(base_url="{self.address}", api_key="{self.token}")'


class LocalServer(QObject):
    """Starts the server and ends it. Off until it is switched on; it ends with the window."""

    changed = Signal()
    """`state`, `access` or `error` is another."""

    def __init__(
        self,
        library: Library,
        parent: QObject | None = None,
        command: Sequence[str] = (*COMMAND, "serve", "--json", "--until-input-ends"),
        port: Callable[[], int] = lambda: Settings().server_port,
    ) -> None:
        """`port` gives the port that is wanted when it starts."""
        super().__init__(parent)
        self._library = library
        self._command = command
        self._port = port
        self._starts_again = False
        self._wants_new_token = False
        self._process: TalkingProcess | None = None
        self._log: WorkerLog | None = None
        self._patience = QTimer(self, singleShot=True, interval=_POLITE_MS)
        self._patience.timeout.connect(self._kill)
        self.state = ServerState.OFF
        self.access: ServerAccess | None = None
        self.error: OvernightError | None = None

    def switch(self, is_on: bool) -> None:
        """Start the server, or end it; `changed` tells when that is done."""
        if is_on and self._process is None:
            self._start()
        elif not is_on:
            self._starts_again = self._wants_new_token = False
            self._end()

    def renew_token(self) -> None:
        """Let a new token take the place of this one; it starts again for that."""
        if self.state is ServerState.ON:
            self._starts_again = self._wants_new_token = True
            self._end()

    @property
    def moves_to(self) -> int:
        """The port that it moves to when it is switched on again; 0 where it stays."""
        if self.access is None or self.access.address.endswith(f":{self._port()}/v1"):
            return 0
        return self._port()

    def shut_down(self) -> None:
        """End it at once: the window closes."""
        process, self._process = self._process, None
        self._patience.stop()
        if process is not None:
            process.end(_LAST_MS)
        if self._log is not None:
            self._log.close()
            self._log = None

    def _start(self) -> None:
        self._log = self._log or WorkerLog(self._library.logs / "server.log")
        process = self._process = TalkingProcess(self, self._library, self._log, _LONGEST_LINE)
        process.said.connect(self._read)
        process.ended.connect(self._take_end)
        self.error = None
        self._enter(ServerState.STARTING)
        new_token = ("--new-token",) if self._wants_new_token else ()
        self._wants_new_token = False
        process.start((*self._command, "--port", str(self._port()), *new_token))

    def _end(self) -> None:
        if self._process is not None and self.state is not ServerState.ENDING:
            self._process.close_input()
            self._patience.start()
            self._enter(ServerState.ENDING)

    def _read(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            told = msgspec.json.decode(line, type=_Told)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if told.error is not None:
            self.error = _in_the_window(told.error.to_error())
        elif told.address and told.token and self.state is ServerState.STARTING:
            self.access = ServerAccess(
                told.address,
                told.token,
                told.model,
                told.token_kept,
                told.old_token_may_return,
            )
            self._enter(ServerState.ON)

    def _take_end(self, lines: Sequence[bytes]) -> None:
        self._read(lines)
        self._process = None
        self._patience.stop()
        if self._starts_again:
            self._starts_again = False
            self._start()
            return
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
    token_kept: bool = False
    old_token_may_return: bool = False
    error: ErrorReport | None = None


def _in_the_window(error: OvernightError) -> OvernightError:
    """The error; the hint for a taken port is for the command line."""
    if error.kind is not ErrorKind.BUSY:
        return error
    hint = "Choose another port below, or end that program; then switch it on again."
    return OvernightError(error.kind, error.message, hint, error.detail)


def _ended_by_itself() -> OvernightError:
    return OvernightError(
        ErrorKind.WORKER_STOPPED,
        "The server has ended unexpectedly.",
        "Switch it on again. If it ends again, its log file says more.",
    )
