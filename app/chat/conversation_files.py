"""Conversations as Markdown files: saved where the person wants, or dragged out of the list."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QStandardPaths, QUrl
from PySide6.QtWidgets import QFileDialog, QWidget

from app.library.background import Background
from app.text import amounts
from mlx_backend.library.conversation_export import export_conversation, file_name
from mlx_backend.library.conversations import Conversation


class ConversationFiles(QObject):
    """Writes them in the background. Those to be dragged are in a folder that goes at the end."""

    def __init__(
        self, background: Background, say: Callable[[str, bool], None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._say = say
        self._window = parent
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._ready: dict[int, Path] = {}

    def export(self, conversation: Conversation) -> None:
        """Ask where to, then write the file."""
        documents = QStandardPaths.StandardLocation.DocumentsLocation
        folder = Path(QStandardPaths.writableLocation(documents))
        suggested = str(folder / file_name(conversation.title))
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Export Conversation", suggested, "Markdown (*.md)"
        )
        if path:
            self.write(conversation, Path(path))

    def write(self, conversation: Conversation, path: Path) -> None:
        """Write the file, and say so."""
        write = functools.partial(_write, conversation.id, path)
        told = f"Exported to {amounts.path(str(path))}."
        self._background.call(write, lambda _: self._say(told, False))

    def prepare(self, conversation: Conversation) -> None:
        """Have the file ready, because its row was pressed and may be dragged in a moment."""
        self._ready.pop(conversation.id, None)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(
                prefix="overnight-", ignore_cleanup_errors=True
            )
        path = Path(self._folder.name) / str(conversation.id) / file_name(conversation.title)
        take = functools.partial(self._take, conversation.id, path)
        self._background.call(functools.partial(_write, conversation.id, path), take)

    def data(self, conversation: Conversation) -> QMimeData | None:
        """What leaves the window: the address of the file, once it is ready."""
        path = self._ready.get(conversation.id)
        if path is None:
            return None
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        return data

    def _take(self, conversation: int, path: Path, _: None) -> None:
        self._ready[conversation] = path


def _write(conversation: int, path: Path, db: sqlite3.Connection) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    export_conversation(db, conversation, path)
