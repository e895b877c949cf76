"""How lists and tables draw names: as they are, each in its own direction."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.text.directions import apart, isolated


class RowDelegate(QStyledItemDelegate):
    """Draws the texts of a view. What the model says stays as it is."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        runs_left = option.direction is Qt.LayoutDirection.RightToLeft
        option.text = apart(option.text) if runs_left else isolated(option.text)
