"""Runs a command of the engine in a process of its own, and brings back what it prints last."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QObject, QProcess

from app.jobs.engine_process import engine_process
from mlx_backend.library import Library

COMMAND = (sys.executable, "-m", "mlx_backend.cli")

_LONGEST_REPLY = 1 << 20
_NOT_STARTED = -1
_END_MS = 500


class EngineCommand(QObject):
    """A command that runs once, and ends with the window at the latest. Its parent deletes it."""

    def __init__(
        self,
        parent: QObject,
        library: Library,
        command: Sequence[str],
        done: Callable[[int, bytes], object],
    ) -> None:
        """`done` gets the exit code, -1 for a command that cannot be started, and the last line."""
        super().__init__(parent)
        self._command = command
        self._done = done
        self._process = engine_process(self, library)
        self._process.finished.connect(self._finish)
        self._process.errorOccurred.connect(self._take_error)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self._end)

    def start(self, given: bytes = b"") -> None:
        """Start it; `given` is what it reads on its input."""
        program, *arguments = self._command
        self._process.start(program, arguments)
        self._process.write(given)
        self._process.closeWriteChannel()

    def _finish(self, code: int) -> None:
        output = bytes(self._process.readAllStandardOutput().data())[-_LONGEST_REPLY:]
        self._done(code, output.strip().rpartition(b"\n")[2])

    def _take_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._finish(_NOT_STARTED)

    def _end(self) -> None:
        self._process.finished.disconnect(self._finish)
        self._process.kill()
        self._process.waitForFinished(_END_MS)
