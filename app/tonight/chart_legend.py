"""What the lines and signs of a chart mean."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.style import Size, Space, sized
from app.widgets.labels import label


class Key(QWidget):
    """One entry of a legend: a short line or a sign in its colour, and its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._sample = _Sample()
        self.name = name
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self._sample)
        layout.addWidget(label(name, "small"))

    def set_colour(self, colour: QColor) -> None:
        """Draw the sample in this colour."""
        self._sample.colour = colour
        self._sample.update()

    def set_sign(self, sign: QPainterPath) -> None:
        """Draw this sign, one unit wide around the origin, instead of a line."""
        self._sample.sign = sign
        self._sample.update()


class _Sample(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.colour = QColor()
        self.sign: QPainterPath | None = None
        sized(self, lambda it: it.setFixedSize(Size.ICON, Size.ICON))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.sign is None:
            middle = (self.height() - Size.CURVE) // 2
            painter.fillRect(0, middle, self.width(), Size.CURVE, self.colour)
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.translate(self.width() / 2, self.height() / 2)
            painter.scale(Size.SIGN, Size.SIGN)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.fillPath(self.sign, self.colour)
        painter.end()
