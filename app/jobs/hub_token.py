"""Gives an access token of the Hub to the engine, which keeps it in the system's keyring."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import msgspec
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.home import HOME_VARIABLE
from mlx_backend.protocol import ErrorReport

_COMMAND = (sys.executable, "-m", "mlx_backend.cli", "token", "--json")


class HubToken(QObject):
    """Keeps tokens by a process of their own, on its input: never in its command line or a file."""

    def __init__(
        self,
        library: Library,
        parent: QObject | None = None,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._command = command

    def keep(
        self, token: str, done: Callable[[], object], failed: Callable[[OvernightError], object]
    ) -> None:
        """Keep a token; then call `done`, or `failed` with the reason."""
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert(HOME_VARIABLE, str(self._library.home))
        process.setProcessEnvironment(environment)
        process.setWorkingDirectory("/")
        process.finished.connect(lambda code: _end(process, code, done, failed))
        process.errorOccurred.connect(lambda error: _end_unstarted(process, error, failed))
        program, *arguments = self._command
        process.start(program, arguments)
        process.write(f"{token}\n".encode())
        process.closeWriteChannel()


class _Failed(msgspec.Struct):
    error: ErrorReport


def _end(
    process: QProcess,
    code: int,
    done: Callable[[], object],
    failed: Callable[[OvernightError], object],
) -> None:
    process.deleteLater()
    if code == 0:
        done()
        return
    output = bytes(process.readAllStandardOutput().data()).strip().rpartition(b"\n")[2]
    try:
        failed(msgspec.json.decode(output, type=_Failed).error.to_error())
    except (msgspec.DecodeError, UnicodeDecodeError):
        failed(_not_kept())


def _end_unstarted(
    process: QProcess,
    error: QProcess.ProcessError,
    failed: Callable[[OvernightError], object],
) -> None:
    if error == QProcess.ProcessError.FailedToStart:
        process.deleteLater()
        failed(_not_kept())


def _not_kept() -> OvernightError:
    return OvernightError(
        ErrorKind.INTERNAL,
        "The access token could not be kept.",
        "Check that the keyring of this computer is unlocked, then try again.",
    )
