"""A Qt model of what is in the bin."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from app.library.deletions import THINGS
from app.text import amounts
from app.widgets.labels import tip
from mlx_backend.library.bin import Binned

Index = QModelIndex | QPersistentModelIndex

NAME, KIND, DELETED, STAYS, SIZE = range(5)
_HEADINGS = ("Name", "Kind", "Deleted", "Stays", "Size")
_DAY_S = 86_400


class BinTableModel(QAbstractTableModel):
    """Deleted things, one a row, the latest first."""

    def __init__(self) -> None:
        super().__init__()
        self._items: Sequence[Binned] = ()
        self._days = 0

    def show(self, items: Sequence[Binned], days: int) -> None:
        """List these, which stay for `days` days each; 0 is until the bin is emptied."""
        if (items, days) != (self._items, self._days):
            self.beginResetModel()
            self._items, self._days = items, days
            self.endResetModel()

    @property
    def items(self) -> Sequence[Binned]:
        """All that is listed."""
        return self._items

    def item(self, row: int) -> Binned:
        """What is in a row."""
        return self._items[row]

    def rows_of(self, ids: Iterable[str]) -> list[int]:
        """The rows of those that are listed."""
        wanted = set(ids)
        return [row for row, item in enumerate(self._items) if item.id in wanted]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._items)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_HEADINGS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADINGS[section]
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        item, column = self._items[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(item, column)
        if role == Qt.ItemDataRole.ToolTipRole and column == NAME:
            return tip(self._text(item, NAME))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        return None

    def _text(self, item: Binned, column: int) -> str:
        match column:
            case 0:
                return " ".join(item.name.split())
            case 1:
                return THINGS[item.kind][0].capitalize()
            case 2:
                return amounts.day(item.deleted)
            case 3:
                return stays(item, self._days, time.time())
        return amounts.size(item.bytes)


def stays(item: Binned, days: int, now: float) -> str:
    """How long a thing still stays: '30 days', 'Less than a day', 'Until you empty it'."""
    if not days:
        return "Until you empty it"
    left = round((item.deleted + days * _DAY_S - now) / _DAY_S)
    return amounts.count(left, "day") if left >= 1 else "Less than a day"


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column == SIZE else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
