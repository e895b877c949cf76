"""The quiet strip at the foot of a page: a sentence, with buttons and a cross beside it."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.widgets import icons


def close_button() -> QToolButton:
    """The cross that puts a strip away."""
    made = QToolButton()
    made.setIcon(icons.icon("close"))
    sized(made, lambda it: it.setIconSize(QSize(Size.ICON, Size.ICON)))
    made.setAccessibleName("Close")
    return made


def lay_out_strip(around: QWidget, words: QWidget, *buttons: QWidget) -> QFrame:
    """Fill a widget with a strip of words and buttons; the caller gives the strip its height."""
    strip = QFrame()
    strip.setProperty("kind", "undo")
    row = QHBoxLayout(strip)
    row.setContentsMargins(Space.HALF, Space.HALF, Space.HALF, Space.HALF)
    row.setSpacing(Space.ONE)
    row.addSpacing(Space.TWO - Space.HALF)  # a margin is not mirrored in right-to-left windows
    row.addWidget(words, 1)
    for button in buttons:
        row.addWidget(button)
    layout = QVBoxLayout(around)
    layout.setContentsMargins(Space.FOUR, Space.ONE, Space.FOUR, Space.ONE)
    layout.addWidget(strip)
    return strip
