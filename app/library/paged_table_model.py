"""A Qt model of a long list: it holds all ids, and the rows of what was looked at."""

from __future__ import annotations

import functools
import sqlite3
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer

from app.library.background import Background
from mlx_backend.library.note_browsing import NoteIds

Index = QModelIndex | QPersistentModelIndex
_T = TypeVar("_T")

# RowDelegate are read a page at a time; some hundred screens of them are kept.
_PAGE = 64
_MOST_PAGES = 64


class PagedTableModel(QAbstractTableModel, Generic[_T]):
    """Things, one a row. A page of rows is read in the background when a view asks for one of them.

    Until it is there its rows are empty; rows that may have changed show what they showed. `read`
    gets the things with some ids over a connection.
    """

    def __init__(
        self,
        background: Background,
        headings: tuple[str, ...],
        read: Callable[[NoteIds[int], sqlite3.Connection], dict[int, _T]],
    ) -> None:
        super().__init__()
        self._background = background
        self._headings = headings
        self._read_rows = read
        self._ids: NoteIds[int] = array("q")
        self._pages: OrderedDict[int, dict[int, _T]] = OrderedDict()
        self._stale: set[int] = set()
        self._wanted: set[int] = set()
        self._asked: set[int] = set()
        self._listing = 0
        # Views ask row by row; what they ask for in one painting is read together.
        self._asking = QTimer(self, singleShot=True, interval=0)
        self._asking.timeout.connect(self._read)

    def show(self, ids: NoteIds[int]) -> None:
        """Show these. Where they are the same as before, the selection stays."""
        self._listing += 1
        self._wanted.clear()
        self._asked.clear()
        if ids == self._ids:
            self._stale = set(self._pages)
            if ids:
                self._tell(0, len(ids) - 1)
            return
        self.beginResetModel()
        self._ids = ids
        self._pages.clear()
        self._stale.clear()
        self.endResetModel()

    def item(self, row: int) -> _T | None:
        """What is in a row; None while it is being read."""
        number = row // _PAGE
        page = self._pages.get(number)
        if page is not None:
            self._pages.move_to_end(number)
        if (page is None or number in self._stale) and number not in self._asked:
            self._wanted.add(number)
            self._asking.start()
        return page.get(self._ids[row]) if page is not None else None

    def ids(self, ranges: Iterable[tuple[int, int]]) -> NoteIds[int]:
        """The ids in these ranges of rows, each with its last row."""
        chosen: NoteIds[int] = array("q")
        for first, last in ranges:
            chosen += self._ids[first : last + 1]
        return chosen

    def rows_of(self, ids: Iterable[int]) -> list[int]:
        """The rows of those that are listed."""
        wanted = set(ids)
        if not wanted:
            return []
        return [row for row, each in enumerate(self._ids) if each in wanted]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._headings)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._headings[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(section)
        return None

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        """How a column and its heading are set."""
        return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

    def _read(self) -> None:
        listing = self._listing
        for number in sorted(self._wanted):
            ids = self._ids[number * _PAGE : (number + 1) * _PAGE]
            self._background.call(
                functools.partial(self._read_rows, ids),
                functools.partial(self._take, listing, number),
            )
        self._asked |= self._wanted
        self._wanted.clear()

    def _take(self, listing: int, number: int, rows: dict[int, _T]) -> None:
        if listing != self._listing:
            return
        self._asked.discard(number)
        self._stale.discard(number)
        self._pages[number] = rows
        self._pages.move_to_end(number)
        while len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)
        self._tell(number * _PAGE, min((number + 1) * _PAGE, len(self._ids)) - 1)

    def _tell(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(self._headings) - 1))
