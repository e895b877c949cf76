"""A label of one line that is shortened where there is no room; all of it is in its tooltip."""

from __future__ import annotations

import html

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy

_LEAST_CHARACTERS = 8


class Elided(QLabel):
    """Plain text. Names are shortened in their middle: their ends often tell them apart."""

    def __init__(
        self,
        text: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
        kind: str = "body",
    ) -> None:
        super().__init__()
        self._text = ""
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def text(self) -> str:
        """The whole text."""
        return self._text

    @property
    def shown(self) -> str:
        """As much of it as there is room for."""
        return super().text()

    def setText(self, text: str) -> None:
        """Show a text."""
        self._text = text
        self.setAccessibleName(text)
        self.updateGeometry()
        self._fit()

    def clear(self) -> None:
        """Show nothing."""
        self.setText("")

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self._text)
        return QSize(width + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        least = self.fontMetrics().averageCharWidth() * _LEAST_CHARACTERS
        return QSize(min(least, self.sizeHint().width()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        metrics = self.fontMetrics()
        shown = metrics.elidedText(self._text, self._mode, self.width())
        is_whole = metrics.horizontalAdvance(self._text) <= self.width()
        super().setText(self._text if is_whole else shown)
        # Escaped: a tooltip with a tag in it would be taken for HTML.
        self.setToolTip("" if is_whole else f"<span>{html.escape(self._text)}</span>")
