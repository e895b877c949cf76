"""The list of notes as Qt's views see it: ids of all, rows of those that are looked at."""

from __future__ import annotations

import functools
import sqlite3
from array import array
from collections import OrderedDict
from collections.abc import Iterable

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPalette

from app.background import Background
from mlx_backend.library.browsing import Browsing, NoteIds
from mlx_backend.library.notes import NoteStatus, NoteSummary

Index = QModelIndex | QPersistentModelIndex

TITLE, WORDS, STATE = range(3)
_HEADINGS = ("Title", "Words", "State")

# Rows are read a page at a time; some hundred screens of them are kept.
_PAGE = 64
_MOST_PAGES = 64

STATE_WORDS: dict[NoteStatus, str] = {
    "new": "New",
    "changed": "Changed",
    "learned": "Learned",
    "excluded": "Left out",
    "gone": "Gone",
}
STATE_HELP: dict[NoteStatus, str] = {
    "new": "The next training will learn this note.",
    "changed": "This note changed since it was learned; the next training will learn it anew.",
    "learned": "The last training that used this note saw it as it is now.",
    "excluded": "Training leaves this note out.",
    "gone": "The file is no longer where it was. Its text is kept here, but not trained on.",
}


class NoteTable(QAbstractTableModel):
    """Notes, one a row. A page of rows is read in the background when a view asks for one of them.

    Until it is there its rows are empty; rows that may have changed show what they showed.
    """

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._ids: NoteIds[int] = array("q")
        self._pages: OrderedDict[int, dict[int, NoteSummary]] = OrderedDict()
        self._stale: set[int] = set()
        self._wanted: set[int] = set()
        self._asked: set[int] = set()
        self._listing = 0
        # Views ask row by row; what they ask for in one painting is read together.
        self._asking = QTimer(self, singleShot=True, interval=0)
        self._asking.timeout.connect(self._read)

    def show(self, ids: NoteIds[int]) -> None:
        """Show these notes. Where they are the same as before, the selection stays."""
        self._listing += 1
        self._wanted.clear()
        self._asked.clear()
        if ids == self._ids:
            self._stale = set(self._pages)
            if ids:
                self.dataChanged.emit(self.index(0, TITLE), self.index(len(ids) - 1, STATE))
            return
        self.beginResetModel()
        self._ids = ids
        self._pages.clear()
        self._stale.clear()
        self.endResetModel()

    def note(self, row: int) -> NoteSummary | None:
        """The note in a row; None while it is being read."""
        number = row // _PAGE
        page = self._pages.get(number)
        if page is not None:
            self._pages.move_to_end(number)
        if (page is None or number in self._stale) and number not in self._asked:
            self._wanted.add(number)
            self._asking.start()
        return page.get(self._ids[row]) if page is not None else None

    def ids(self, ranges: Iterable[tuple[int, int]]) -> NoteIds[int]:
        """The ids in these ranges of rows, the last row of each included."""
        chosen: NoteIds[int] = array("q")
        for first, last in ranges:
            chosen += self._ids[first : last + 1]
        return chosen

    def rows_of(self, note_ids: Iterable[int]) -> list[int]:
        """Where those of the notes are that are listed."""
        wanted = set(note_ids)
        if not wanted:
            return []
        return [row for row, note_id in enumerate(self._ids) if note_id in wanted]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_HEADINGS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADINGS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        column = index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role not in _NOTE_ROLES:
            return None
        note = self.note(index.row())
        if note is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return (note.title, f"{note.words:,}", STATE_WORDS[note.status])[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return STATE_HELP[note.status] if column == STATE else note.path
        return _colour(note, column)

    def _read(self) -> None:
        listing = self._listing
        for number in sorted(self._wanted):
            ids = self._ids[number * _PAGE : (number + 1) * _PAGE]
            self._background.call(
                functools.partial(_rows, ids), functools.partial(self._take, listing, number)
            )
        self._asked |= self._wanted
        self._wanted.clear()

    def _take(self, listing: int, number: int, rows: dict[int, NoteSummary]) -> None:
        if listing != self._listing:
            return
        self._asked.discard(number)
        self._stale.discard(number)
        self._pages[number] = rows
        self._pages.move_to_end(number)
        while len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)
        last = min((number + 1) * _PAGE, len(self._ids)) - 1
        self.dataChanged.emit(self.index(number * _PAGE, TITLE), self.index(last, STATE))


_NOTE_ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.ForegroundRole,
)


def _rows(ids: NoteIds[int], db: sqlite3.Connection) -> dict[int, NoteSummary]:
    return Browsing(db).rows(ids)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column == WORDS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _colour(note: NoteSummary, column: int) -> object:
    is_unused = note.status in ("excluded", "gone")
    if is_unused or column == WORDS or (column == STATE and note.status == "learned"):
        return QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)
    return None
