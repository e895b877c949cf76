"""Draws English words so that they can be read in a window that runs from right to left."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import QProxyStyle

from app.text.directions import runs_left

_LEFT, _RIGHT = Qt.AlignmentFlag.AlignLeft.value, Qt.AlignmentFlag.AlignRight.value
_CENTRE, _ABSOLUTE = Qt.AlignmentFlag.AlignHCenter.value, Qt.AlignmentFlag.AlignAbsolute.value
_FROM_LEFT = Qt.TextFlag.TextForceLeftToRight.value
_FROM_RIGHT = Qt.TextFlag.TextForceRightToLeft.value


class ReadableStyle(QProxyStyle):
    """The system's style, but for the direction of each text: that of the text's own letters.

    Else "Add Folder…" would have its dots before the words, and "3 skipped files" end with the 3.
    """

    def drawItemText(  # noqa: PLR0913, PLR0917 (Qt has as many)
        self,
        painter: QPainter,
        rect: QRect,
        flags: int,
        pal: QPalette | Qt.GlobalColor | QColor,
        enabled: bool,
        text: str,
        textRole: QPalette.ColorRole = QPalette.ColorRole.NoRole,
    ) -> None:
        own = _FROM_RIGHT if runs_left(text) else _FROM_LEFT
        flags = _placed(flags, painter.layoutDirection()) & ~(_FROM_LEFT | _FROM_RIGHT) | own
        super().drawItemText(painter, rect, flags, pal, enabled, text, textRole)


def _placed(flags: int, direction: Qt.LayoutDirection) -> int:
    """The side for text in a widget of this direction, whatever the direction of the text."""
    if flags & _ABSOLUTE or direction is not Qt.LayoutDirection.RightToLeft:
        return flags
    if flags & _CENTRE:
        return flags
    side = _LEFT if flags & _RIGHT else _RIGHT
    return flags & ~(_LEFT | _RIGHT) | side | _ABSOLUTE
