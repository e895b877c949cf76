"""A Qt model of the list of notes."""

from __future__ import annotations

import sqlite3

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QPalette

from app.library.background import Background
from app.library.paged_table_model import Index, PagedTableModel
from app.text import amounts
from app.widgets.labels import tip
from mlx_backend.library.note_browsing import Browsing, NoteIds
from mlx_backend.library.notes import NoteStatus, NoteSummary

TITLE, WORDS, STATE = range(3)
_HEADINGS = ("Title", "Words", "State")

STATE_WORDS: dict[NoteStatus, str] = {
    "new": "New",
    "changed": "Changed",
    "learned": "Learned",
    "excluded": "Left out",
    "gone": "Gone",
}
STATE_HELP: dict[NoteStatus, str] = {
    "new": "The next training will learn this note.",
    "changed": "This note changed since it was learned; the next training will learn it again.",
    "learned": "The last training that used this note saw it as it is now.",
    "excluded": "Training leaves this note out.",
    "gone": "The file is no longer where it was. Its text is kept here, but not trained on.",
}


class NoteTableModel(PagedTableModel[NoteSummary]):
    """Notes, one a row."""

    def __init__(self, background: Background) -> None:
        super().__init__(background, _HEADINGS, _rows)

    def note(self, row: int) -> NoteSummary | None:
        """The note in a row; None while it is being read."""
        return self.item(row)

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column == WORDS else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        column = index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(column)
        if role not in _NOTE_ROLES:
            return None
        note = self.note(index.row())
        if note is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return (note.title, amounts.number(note.words), STATE_WORDS[note.status])[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return STATE_HELP[note.status] if column == STATE else tip(note.path)
        return _colour(note, column)


_NOTE_ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.ForegroundRole,
)


def _rows(ids: NoteIds[int], db: sqlite3.Connection) -> dict[int, NoteSummary]:
    return Browsing(db).rows(ids)


def _colour(note: NoteSummary, column: int) -> object:
    is_unused = note.status in ("excluded", "gone")
    if is_unused or column == WORDS or (column == STATE and note.status == "learned"):
        return QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)
    return None
