"""A quiet strip that says what was done and offers to undo it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app import icons
from app.style import Size, Space, sized
from app.widgets.text import button, label

_SHOWN_MS = 8000


class UndoBar(QWidget):
    """Offers one undo at a time. A new offer, time, Close or leaving the page settles the last."""

    def __init__(self) -> None:
        super().__init__()
        self._undo: Callable[[], None] | None = None
        self._settle: Callable[[], None] | None = None
        self._timer = QTimer(self, singleShot=True, interval=_SHOWN_MS)
        self._timer.timeout.connect(self.settle)

        self.label = label()
        self.button = button("Undo", "link")
        self.button.clicked.connect(self.undo)
        # Only heard while the bar shows; a text field with the focus keeps its own undo.
        QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self, self.undo)
        close = QToolButton()
        close.setIcon(icons.icon("close"))
        sized(close, lambda it: it.setIconSize(QSize(Size.ICON, Size.ICON)))
        close.setAccessibleName("Close")
        close.clicked.connect(self.settle)
        strip = QFrame()
        strip.setProperty("kind", "undo")
        sized(strip, lambda it: it.setFixedHeight(Size.STRIP))
        row = QHBoxLayout(strip)
        row.setContentsMargins(Space.TWO, Space.HALF, Space.HALF, Space.HALF)
        row.setSpacing(Space.ONE)
        row.addWidget(self.label, 1)
        row.addWidget(self.button)
        row.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.FOUR, Space.ONE, Space.FOUR, Space.ONE)
        layout.addWidget(strip)
        self.hide()

    def offer(
        self, text: str, undo: Callable[[], None], settle: Callable[[], None] | None = None
    ) -> None:
        """Say `text`; call `undo` when asked to, else `settle` once the offer has passed."""
        self.settle()
        self._undo, self._settle = undo, settle
        self.label.setText(text)
        self.show()
        self._timer.start()

    def undo(self) -> None:
        """Take the last offer up."""
        undo, self._undo, self._settle = self._undo, None, None
        self._close()
        if undo is not None:
            undo()

    def settle(self) -> None:
        """Let the last offer pass."""
        settle, self._undo, self._settle = self._settle, None, None
        self._close()
        if settle is not None:
            settle()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._settle is not None:
            self.settle()

    def _close(self) -> None:
        self._timer.stop()
        self.hide()
