"""Reads files that are attached to a question, each in a process of its own."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QProcess, Signal

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.turns import Attachment
from mlx_backend.protocol import ErrorReport

_COMMAND = (sys.executable, "-m", "mlx_backend.importers.attachment")

_log = logging.getLogger(__name__)


class _Failed(msgspec.Struct):
    error: ErrorReport


class AttachedFiles(QObject):
    """Each file that is asked for ends in `read` or `failed`."""

    read = Signal(object)
    """An Attachment with as much of the text as is kept."""

    failed = Signal(object)
    """The OvernightError."""

    changed = Signal()
    """`names` has changed."""

    def __init__(self, parent: QObject | None = None, command: Sequence[str] = _COMMAND) -> None:
        super().__init__(parent)
        self._command = command
        self._processes: dict[QProcess, Path] = {}

    @property
    def names(self) -> list[str]:
        """The files that are being read."""
        return [path.name for path in self._processes.values()]

    def add(self, path: Path) -> None:
        """Read a file."""
        process = QProcess(self)
        self._processes[process] = path
        # A Ctrl-C in the terminal is for the window, which ends this process in its own way.
        process.setUnixProcessParameters(QProcess.UnixProcessFlag.CreateNewSession)
        process.setWorkingDirectory("/")
        process.finished.connect(lambda *_: self._take(process))
        process.errorOccurred.connect(lambda error: self._take_start_failure(process, error))
        program, *arguments = self._command
        process.start(program, [*arguments, str(path.absolute())])
        self.changed.emit()

    def cancel(self) -> None:
        """Read no more of what is being read."""
        processes, self._processes = self._processes, {}
        for process in processes:
            process.kill()
            process.waitForFinished(1000)
        if processes:
            self.changed.emit()

    def _take_start_failure(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._take(process)

    def _take(self, process: QProcess) -> None:
        path = self._processes.pop(process, None)
        process.deleteLater()
        if path is None:
            return  # cancelled
        output = bytes(process.readAllStandardOutput().data())
        log = bytes(process.readAllStandardError().data()).decode("utf-8", "replace")
        try:
            self.read.emit(read_reply(output, path, log))
        except OvernightError as error:
            _log.warning("%s\n%s", error.message, error.detail)
            self.failed.emit(error)
        self.changed.emit()


def read_reply(output: bytes, path: Path, log: str = "") -> Attachment:
    """What the process printed. Raises its error, or one for a reply that makes no sense."""
    line = output.strip().rpartition(b"\n")[2]
    try:
        return msgspec.json.decode(line, type=Attachment)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        report = msgspec.json.decode(line, type=_Failed).error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OvernightError(
            ErrorKind.INTERNAL,
            f"“{path.name}” could not be read.",
            "Try again, or paste its text into the question.",
            f"{error}\n{log}",
        ) from error
    raise report.to_error()
