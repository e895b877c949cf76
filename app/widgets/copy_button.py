"""A button that copies a text and says for a moment that it did."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from app.style import Size, sized

_SAID_MS = 1500
_COPY = "Copy"


class CopyButton(QPushButton):
    """Copies what `text_of` returns. `what` names it for screen readers."""

    def __init__(self, text_of: Callable[[], str], what: str) -> None:
        super().__init__(_COPY)
        self._text_of = text_of
        self.setProperty("kind", "footnote")
        sized(self, lambda it: it.setFixedHeight(Size.CONTROL))
        self.setAccessibleName(f"Copy {what}")
        self.clicked.connect(self._copy)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text_of())
        self.setText("Copied")
        QTimer.singleShot(_SAID_MS, self, lambda: self.setText(_COPY))
