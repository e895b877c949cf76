"""The files that imports left out, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app.library.background import Background
from app.style import Space
from app.text import amounts
from app.widgets.labels import button, label
from mlx_backend.library.notes import Notes

# The most paths that are listed under one reason.
_MOST_PATHS = 500


class SkippedFiles(QWidget):
    """Lists skipped files, by reason."""

    closed = Signal()

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self.title: QLabel = label("Skipped files", "heading")
        self.list = QPlainTextEdit()
        self.list.setReadOnly(True)
        self.list.document().setDocumentMargin(0)
        self.list.setAccessibleName("Skipped files and reasons")
        done = button("Done")
        done.clicked.connect(self.closed)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(done)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.THREE, Space.TWO, Space.FOUR, 0)
        layout.setSpacing(Space.TWO)
        layout.addLayout(top)
        layout.addWidget(self.list, 1)

    def load(self) -> None:
        """Show what is known now."""
        self._background.call(lambda db: Notes(db).skipped(), self._show)

    def _show(self, skipped: Sequence[tuple[str, str]]) -> None:
        by_reason: dict[str, list[str]] = {}
        for path, reason in skipped:
            by_reason.setdefault(reason, []).append(path)
        parts = (_lines(reason, paths) for reason, paths in by_reason.items())
        self.list.setPlainText("\n\n".join(parts) or "No file was skipped.")


def _lines(reason: str, paths: Sequence[str]) -> str:
    lines = [reason, *(f"    {amounts.path(path)}" for path in paths[:_MOST_PATHS])]
    if len(paths) > _MOST_PATHS:
        lines.append(f"    … and {amounts.number(len(paths) - _MOST_PATHS)} more")
    return "\n".join(lines)
