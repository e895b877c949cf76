"""A table of which whole rows are chosen: one column stretches, the others keep their widths."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from app.style import Size, sized
from app.widgets.row_delegate import RowDelegate


class RowTable(QTableView):
    """Shows a model; `name` is its accessible name. Several rows can be chosen."""

    def __init__(self, model: QAbstractTableModel, name: str) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(RowDelegate(self))
        self.setProperty("kind", "rows")
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        rows = self.verticalHeader()
        rows.hide()
        # Fixed, so that a hundred thousand rows need not be measured.
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        sized(rows, lambda it: it.setDefaultSectionSize(Size.ROW))
        headings = self.horizontalHeader()
        headings.setHighlightSections(False)
        headings.setSectionsClickable(False)

    def stretch(self, column: int, others: Iterable[int]) -> None:
        """Give one column the room that the others, whose widths are set elsewhere, leave."""
        headings = self.horizontalHeader()
        headings.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        for other in others:
            headings.setSectionResizeMode(other, QHeaderView.ResizeMode.Fixed)
