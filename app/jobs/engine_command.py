"""Runs a command of the engine in a process of its own, and brings back what it prints last."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QObject, QProcess, QProcessEnvironment

from mlx_backend.library import Library
from mlx_backend.library.home import HOME_VARIABLE

COMMAND = (sys.executable, "-m", "mlx_backend.cli")

_LONGEST_REPLY = 1 << 20


def run_command(
    parent: QObject,
    library: Library,
    command: Sequence[str],
    done: Callable[[int, bytes], object],
    given: bytes = b"",
) -> None:
    """Run a command; then call `done` with its exit code and the last line of its output.

    given: what it reads on its input. The code is -1 where it could not be started. The command
    ends with the window.
    """
    process = QProcess(parent)
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert(HOME_VARIABLE, str(library.home))
    process.setProcessEnvironment(environment)
    process.setUnixProcessParameters(QProcess.UnixProcessFlag.CreateNewSession)
    process.setWorkingDirectory("/")

    def finish(code: int) -> None:
        output = bytes(process.readAllStandardOutput().data())[-_LONGEST_REPLY:]
        process.deleteLater()
        done(code, output.strip().rpartition(b"\n")[2])

    def take_error(error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            finish(-1)

    process.finished.connect(finish)
    process.errorOccurred.connect(take_error)
    app = QCoreApplication.instance()
    if app is not None:
        app.aboutToQuit.connect(process.kill)
    program, *arguments = command
    process.start(program, arguments)
    process.write(given)
    process.closeWriteChannel()
