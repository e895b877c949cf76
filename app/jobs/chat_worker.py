"""The chat engine as the window sees it: a child process that may crash without harm."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.engine_process import TalkingProcess
from app.jobs.worker_log import WorkerLog
from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library

_COMMAND = (sys.executable, "-m", "mlx_backend.worker")
_LONGEST_LINE = 4 << 20
_LINES_PER_TURN = 500
# How long to wait before a restart, by the number of crashes in a row without an answer between.
_BACK_OFF_MS = (100, 1000)
# A worker that takes longer to cancel an answer has hung.
_CANCEL_PATIENCE_MS = 20_000
_POLITE_MS = 2000  # it saves what it read of conversations
_FIRM_MS = 500


class WorkerState(StrEnum):
    """What the chat engine is doing."""

    OFF = "off"
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    ANSWERING = "answering"
    CRASHED = "crashed"


class ChatWorker(QObject):
    """Starts the worker when it is first needed, and again when it crashes.

    Every request ends in exactly one of `answered` and `failed`; a request that was pending in a
    crash fails, so that the caller can say so and ask again.
    """

    part = Signal(str, str)
    """A request's id and the next piece of its answer."""

    thought = Signal(str, str)
    """A request's id and the next piece of what the model thinks aloud before it answers."""

    answered = Signal(str, object)
    """A request's id and its AnswerDone."""

    failed = Signal(str, object)
    """A request's id ("" for none in particular) and the OvernightError."""

    released = Signal()
    """The model's memory is given back, or none was taken."""

    unloaded = Signal(str)
    """The worker gave its model back by itself: because it is "idle", or because of a "run"."""

    state_changed = Signal(object)
    """The new WorkerState."""

    def __init__(
        self,
        library: Library,
        parent: QObject | None = None,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._command = command
        self._process: TalkingProcess | None = None
        self._state = WorkerState.OFF
        self._pending: dict[str, protocol.ChatRequest | protocol.LoadRequest] = {}
        self._loaded_bytes = 0
        self._crashes = 0
        self._releases = 0
        self._lines: list[bytes] = []
        self._log = WorkerLog(library.logs / "worker.log")
        self._restart = QTimer(self, singleShot=True)
        self._restart.timeout.connect(self._start)
        self._hang = QTimer(self, singleShot=True, interval=_CANCEL_PATIENCE_MS)
        self._hang.timeout.connect(self._kill)

    @property
    def state(self) -> WorkerState:
        """What the worker is doing."""
        return self._state

    @property
    def loaded_bytes(self) -> int:
        """The memory that the loaded model takes; 0 without one."""
        return self._loaded_bytes

    @property
    def process_id(self) -> int:
        """The worker's process id; 0 while there is none."""
        return self._process.id if self._process else 0

    def ask(self, request: protocol.ChatRequest) -> None:
        """Send a question. `part`, then `answered` or `failed`, tell what comes of it."""
        self._submit(request)

    def load(self, request: protocol.LoadRequest) -> None:
        """Load a model ahead of the first question."""
        self._submit(request)

    def prefill(self, request: protocol.PrefillRequest) -> None:
        """Have what is typed so far read ahead, if the worker runs; nothing comes of it here."""
        self._send(request)

    def cancel(self, request_id: str) -> None:
        """End an answer early; `answered` still comes, with what was said so far."""
        if request_id in self._pending:
            self._send(protocol.CancelRequest(id=request_id))
            self._hang.start()

    def release(self) -> None:
        """Give the model's memory back; `released` tells when that is done."""
        if self._process is None or not self._loaded_bytes:
            QTimer.singleShot(0, self, self.released.emit)
            return
        self._releases += 1
        self._send(protocol.ReleaseRequest(id=f"release-{self._releases}"))

    def forget(self, conversation: int) -> None:
        """Let the worker drop what it read of a conversation that is being deleted."""
        if self._process is not None:
            request = protocol.ForgetRequest(id=f"forget-{conversation}", conversation=conversation)
            self._send(request)

    def shut_down(self) -> None:
        """End the worker: politely by closing its input, then by force."""
        for request_id in list(self._pending):
            self.cancel(request_id)
        self._restart.stop()
        self._hang.stop()
        process, self._process = self._process, None
        self._pending.clear()
        if process is not None:
            process.end(_POLITE_MS, _FIRM_MS)
            self._enter(WorkerState.OFF)
        self._log.close()

    # --- sending ---

    def _submit(self, request: protocol.ChatRequest | protocol.LoadRequest) -> None:
        self._pending[request.id] = request
        if self._state is WorkerState.CRASHED:
            self._crashes = 0  # The person wants another try.
        if self._process is None:
            self._start()
        self._send(request)
        if self._state is WorkerState.READY:
            self._enter(WorkerState.ANSWERING)

    def _send(self, message: protocol.WorkerRequest) -> None:
        if self._process is not None:
            self._process.write(protocol.encode_line(message))

    # --- the process ---

    def _start(self) -> None:
        self._restart.stop()
        self._lines.clear()
        process = self._process = TalkingProcess(self, self._library, self._log, _LONGEST_LINE)
        process.said.connect(self._read)
        process.ended.connect(self._take_end)
        self._enter(WorkerState.STARTING)
        process.start(self._command)

    def _take_end(self, lines: Sequence[bytes]) -> None:
        self._process = None
        self._lines += lines
        while self._lines:
            self._handle_some()
        self._hang.stop()
        self._recover()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _recover(self) -> None:
        was_releasing = bool(self._loaded_bytes)
        self._loaded_bytes = 0
        self._crashes += 1
        gives_up = self._crashes > len(_BACK_OFF_MS)
        abandoned = list(self._pending)
        self._pending.clear()
        if gives_up:
            self._enter(WorkerState.CRASHED)
        else:
            self._enter(WorkerState.STARTING)
            self._restart.start(_BACK_OFF_MS[self._crashes - 1])
        error = _gave_up() if gives_up else _crashed()
        for request_id in abandoned or [""]:
            self.failed.emit(request_id, error)
        if was_releasing:
            self.released.emit()

    # --- what it says ---

    def _read(self, lines: Sequence[bytes]) -> None:
        idle = not self._lines
        self._lines += lines
        if idle:
            self._handle_some()

    def _handle_some(self) -> None:
        # A flood of lines is taken in portions, so that the window stays responsive.
        now, self._lines = self._lines[:_LINES_PER_TURN], self._lines[_LINES_PER_TURN:]
        for line in now:
            reply = protocol.decode_reply(line)
            if reply is not None:
                self._take(reply)
        if self._lines:
            QTimer.singleShot(0, self, self._handle_some)

    def _take(self, reply: protocol.WorkerReply) -> None:
        match reply:
            case protocol.WorkerReady():
                self._enter(WorkerState.ANSWERING if self._pending else WorkerState.READY)
            case protocol.ModelLoading():
                self._enter(WorkerState.LOADING)
            case protocol.ModelLoaded():
                self._loaded_bytes = reply.bytes
                if isinstance(self._pending.get(reply.id), protocol.LoadRequest):
                    del self._pending[reply.id]
                self._enter(WorkerState.ANSWERING if self._pending else WorkerState.READY)
            case protocol.ModelReleased():
                self._loaded_bytes = 0
                self.released.emit()
                if not reply.id:
                    self.unloaded.emit(reply.reason)
            case protocol.PrefillDone() if self._state is WorkerState.LOADING:
                # It could not be loaded; the question, when it is asked, tells why.
                self._enter(WorkerState.ANSWERING if self._pending else WorkerState.READY)
            case protocol.AnswerPart() if reply.id in self._pending:
                self.part.emit(reply.id, reply.text)
            case protocol.ThoughtPart() if reply.id in self._pending:
                self.thought.emit(reply.id, reply.text)
            case protocol.AnswerDone() if reply.id in self._pending:
                self._crashes = 0
                self._settle(reply.id)
                self.answered.emit(reply.id, reply)
            case protocol.RequestFailed():
                self._settle(reply.id)
                self.failed.emit(reply.id, reply.error.to_error())

    def _settle(self, request_id: str) -> None:
        self._pending.pop(request_id, None)
        self._hang.stop()
        self._enter(WorkerState.ANSWERING if self._pending else WorkerState.READY)

    def _enter(self, state: WorkerState) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit(state)


def _crashed() -> OvernightError:
    return OvernightError(
        ErrorKind.WORKER_STOPPED,
        "The chat engine stopped unexpectedly; your conversation is safe.",
        "It is being restarted. Ask again in a moment.",
    )


def _gave_up() -> OvernightError:
    return OvernightError(
        ErrorKind.WORKER_STOPPED,
        "The chat engine stopped several times in a row; your conversation is safe.",
        "Close other large programs or choose another model, then ask again.",
    )
