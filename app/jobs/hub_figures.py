"""Asks the Hub, by way of the engine, for the true sizes and licences of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QObject, Signal

from app.jobs.engine_command import COMMAND, EngineCommand
from mlx_backend.library import Library


class HubFigure(msgspec.Struct, frozen=True):
    """What the Hub says of a repository: bytes to download, and the licence's id."""

    repo: str
    bytes: int
    licence: str


class _Reply(msgspec.Struct):
    from_hub: bool
    catalogue: list[HubFigure]


class HubFigures(QObject):
    """Asks once; where the Hub cannot be reached, nothing is told."""

    told = Signal(object)
    """A HubFigure of each repository, by its name."""

    def __init__(
        self,
        library: Library,
        parent: QObject | None = None,
        command: Sequence[str] = (*COMMAND, "models", "--catalogue", "--json"),
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._command = command
        self._has_asked = False

    def ask(self) -> None:
        """Ask, unless that was done before."""
        if not self._has_asked:
            self._has_asked = True
            EngineCommand(self, self._library, self._command, self._take).start()

    def _take(self, code: int, line: bytes) -> None:
        try:
            reply = msgspec.json.decode(line, type=_Reply)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if code == 0 and reply.from_hub:
            self.told.emit({figure.repo: figure for figure in reply.catalogue})
