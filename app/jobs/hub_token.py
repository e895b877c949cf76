"""Gives an access token of the Hub to the engine, which keeps it in the system's keyring."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from PySide6.QtCore import QObject

from app.jobs.engine_command import COMMAND, EngineCommand
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.protocol import ErrorReport


class HubToken(QObject):
    """Keeps tokens by a process of their own, on its input: never in its command line or a file."""

    def __init__(
        self,
        library: Library,
        parent: QObject | None = None,
        command: Sequence[str] = (*COMMAND, "token", "--json"),
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._command = command

    def keep(
        self, token: str, done: Callable[[], object], failed: Callable[[OvernightError], object]
    ) -> None:
        """Keep a token; then call `done`, or `failed` with the reason."""

        def take(code: int, reply: bytes) -> None:
            if code == 0:
                done()
            else:
                failed(_reason(reply))

        command = EngineCommand(self, self._library, self._command, take)
        command.start(f"{token}\n".encode())


class _Failed(msgspec.Struct):
    error: ErrorReport


def _reason(reply: bytes) -> OvernightError:
    try:
        return msgspec.json.decode(reply, type=_Failed).error.to_error()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return OvernightError(
            ErrorKind.INTERNAL,
            "The access token could not be kept.",
            "Check that the keyring of this computer is unlocked, then try again.",
        )
