"""List rows of two lines: a name, and below it, quieter, what else there is to say."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.style import Size, Space, Type
from app.text.directions import runs_left

SECOND_LINE = Qt.ItemDataRole.UserRole + 1
"""The role under which a model gives the second line."""


class TwoLineDelegate(QStyledItemDelegate):
    """Paints the display text, and the text of `SECOND_LINE` below it.

    What does not fit is shortened as the view says: names in their middle.
    """

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(1, Size.TALL_ROW)  # as wide as the list

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        self.initStyleOption(option, index)
        first, option.text = option.text, ""
        view = option.widget
        view.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, view)
        box = option.rect.adjusted(Space.TWO, Space.ONE, -Space.TWO, -Space.ONE)
        half = box.height() // 2
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        active = chosen and bool(option.state & QStyle.StateFlag.State_Active)
        role = QPalette.ColorRole
        painter.save()
        painter.setPen(option.palette.color(role.HighlightedText if active else role.Text))
        mode = option.textElideMode
        side = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag.AlignLeft)
        above = QRect(box.topLeft(), QSize(box.width(), half))
        _draw(painter, above, option.font, _elided(first, option.font, mode, box), side)
        if not active:
            painter.setPen(option.palette.color(role.PlaceholderText))
        small = QFont(option.font)
        small.setPixelSize(Type.SMALL)
        below = QRect(box.left(), box.top() + half, box.width(), box.height() - half)
        second = _elided(str(index.data(SECOND_LINE) or ""), small, mode, below)
        _draw(painter, below, small, second, side)
        painter.restore()


def _elided(text: str, font: QFont, mode: Qt.TextElideMode, box: QRect) -> str:
    return QFontMetrics(font).elidedText(text, mode, box.width())


def _draw(painter: QPainter, box: QRect, font: QFont, text: str, side: Qt.AlignmentFlag) -> None:
    painter.setFont(font)
    right, left = Qt.LayoutDirection.RightToLeft, Qt.LayoutDirection.LeftToRight
    painter.setLayoutDirection(right if runs_left(text) else left)
    vertical, absolute = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignAbsolute
    painter.drawText(box, side | vertical | absolute, text)
