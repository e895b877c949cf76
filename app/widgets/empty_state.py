"""What a page shows while it has nothing to show: what it is for, and the one next step."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.widgets import icons
from app.widgets.labels import button, label, paragraph


class BigIcon(QLabel):
    """A large, faint icon that follows the palette."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        sized(self, BigIcon._draw)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        role = QPalette.ColorRole.PlaceholderText
        self.setPixmap(icons.pixmap(self._name, Size.BIG_ICON, role, self.devicePixelRatioF()))


def centred(widget: QWidget) -> QHBoxLayout:
    """A widget in the middle of a row, as wide as it may be.

    Not by alignment: a layout then forgets that lines break, and that height depends on width.
    """
    row = QHBoxLayout()
    row.addStretch()
    row.addWidget(widget, 1)
    row.addStretch()
    return row


class EmptyState(QWidget):
    """An icon, a line, a sentence and at most one button, in the middle of the page."""

    chosen = Signal()

    def __init__(self, icon: str, line: str, sentence: str, action: str = "") -> None:
        super().__init__()
        self.line = label(line, "heading")
        self.line.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence = paragraph(sentence, "quiet")
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        sized(self.sentence, lambda it: it.setMaximumWidth(Size.DIALOG))
        self.button = button(action, "primary")
        self.button.clicked.connect(self.chosen)

        centre = Qt.AlignmentFlag.AlignHCenter
        layout = QVBoxLayout(self)
        layout.setSpacing(Space.ONE)
        layout.addStretch(2)
        layout.addWidget(BigIcon(icon), alignment=centre)
        layout.addSpacing(Space.ONE)
        layout.addWidget(self.line, alignment=centre)
        layout.addLayout(centred(self.sentence))
        layout.addSpacing(Space.TWO)
        if action:
            layout.addWidget(self.button, alignment=centre)
        layout.addStretch(3)
        self._column = layout

    def add_second(self, way: QWidget) -> None:
        """Put another, quieter way on below the button."""
        last = self._column.count() - 1
        self._column.insertWidget(last, way, alignment=Qt.AlignmentFlag.AlignHCenter)
