"""Labels of the few kinds that there are. All show plain text: no note's words become markup."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.style import Size, sized

_RIGHT = (
    Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter
)


def label(text: str = "", kind: str = "body") -> QLabel:
    """A label; kinds: title, heading, large, strong, body, quiet, small, section, warning."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if made.layoutDirection() is Qt.LayoutDirection.RightToLeft:
        # Words begin at that side; of itself a label would begin where its own letters do.
        made.setAlignment(_RIGHT)
    made.setProperty("kind", kind)
    return made


def paragraph(text: str = "", kind: str = "body") -> QLabel:
    """A label that breaks its lines, and whose text can be selected."""
    made = label(text, kind)
    made.setWordWrap(True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # so that what is selected can be copied
    return made


def button(text: str, kind: str = "plain") -> QPushButton:
    """A push button; kinds: plain, primary (one on a page), link."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    sized(made, lambda it: it.setFixedHeight(Size.CONTROL))
    if kind == "link":
        made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def hairline(vertical: bool = False) -> QFrame:
    """A line of one pixel between two parts."""
    made = QFrame()
    made.setProperty("kind", "hairline")
    (made.setFixedWidth if vertical else made.setFixedHeight)(1)
    return made


def indented(widget: QWidget, left: int) -> QWidget:
    """A widget moved to the right, so that its text stands below the page's title."""
    frame = QWidget()
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(left, 0, 0, 0)
    layout.addWidget(widget)
    return frame
