"""A process of the engine as a child of the window: on its library, ended in the window's way."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from app.jobs.line_splitter import LineSplitter
from app.jobs.worker_log import WorkerLog
from mlx_backend.library import Library
from mlx_backend.library.home import HOME_VARIABLE


def engine_process(parent: QObject, library: Library) -> QProcess:
    """A process that works on this library; its program is not started yet."""
    process = QProcess(parent)
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert(HOME_VARIABLE, str(library.home))
    process.setProcessEnvironment(environment)
    # A Ctrl-C in the terminal is for the window, which ends this process in its own way.
    process.setUnixProcessParameters(QProcess.UnixProcessFlag.CreateNewSession)
    process.setWorkingDirectory("/")
    return process


class TalkingProcess(QObject):
    """One life of a process that says lines; what else it prints goes to a log."""

    said = Signal(list)
    """Lines (bytes) that are whole."""

    ended = Signal(list)
    """It has ended, or could not be started: the lines that had not been read. Comes once."""

    def __init__(
        self, parent: QObject, library: Library, log: WorkerLog, longest_line: int
    ) -> None:
        super().__init__(parent)
        self._log = log
        self._splitter = LineSplitter(longest_line)
        self._has_ended = False
        self._process = engine_process(self, library)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read_log)
        self._process.finished.connect(self._finish)
        self._process.errorOccurred.connect(self._take_error)

    @property
    def id(self) -> int:
        """The system's id of the process; 0 while there is none."""
        return self._process.processId()

    def start(self, command: Sequence[str]) -> None:
        """Start this command."""
        program, *arguments = command
        self._process.start(program, arguments)

    def write(self, line: bytes) -> None:
        """Give it a line to read."""
        self._process.write(line)

    def close_input(self) -> None:
        """Tell it that nothing more comes; it then ends by itself."""
        self._process.closeWriteChannel()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self, *patience_ms: int) -> None:
        """End it by closing its input, then by SIGTERM where there is patience for it, then kill.

        Waits as long for each, and says `ended` no more.
        """
        self._has_ended = True
        self.close_input()
        polite, *firm = patience_ms
        is_over = self._process.waitForFinished(polite)
        for patience in firm:
            if not is_over:
                self._process.terminate()
                is_over = self._process.waitForFinished(patience)
        if not is_over:
            self._process.kill()
            self._process.waitForFinished(patience_ms[-1])
        self._end_log()
        self.deleteLater()

    def _read(self) -> None:
        lines = self._lines()
        if lines and not self._has_ended:
            self.said.emit(lines)

    def _lines(self) -> list[bytes]:
        return self._splitter.feed(bytes(self._process.readAllStandardOutput().data()))

    def _read_log(self) -> None:
        self._log.write(bytes(self._process.readAllStandardError().data()))

    def _end_log(self) -> None:
        self._read_log()
        self._log.end()

    def _take_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._finish()

    def _finish(self, *_: object) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        lines = self._lines()
        self._end_log()
        self.deleteLater()
        self.ended.emit(lines)
