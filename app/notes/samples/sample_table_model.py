"""A Qt model of the list of samples."""

from __future__ import annotations

import sqlite3

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QPalette

from app.library.background import Background
from app.library.paged_table_model import Index, PagedTableModel
from app.notes.samples import descriptions
from mlx_backend.library.note_browsing import NoteIds
from mlx_backend.library.sample_browsing import SampleBrowsing
from mlx_backend.library.stored_samples import StoredSample

PROMPT, NOTE, STATE = range(3)


class SampleTableModel(PagedTableModel[StoredSample]):
    """Samples, one a row."""

    def __init__(self, background: Background) -> None:
        super().__init__(background, ("Asks", "From", "State"), _rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index.column())
        if role not in _ROLES:
            return None
        sample = self.item(index.row())
        if sample is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            state = descriptions.state(sample)
            return (_one_line(sample.prompt), sample.note_title, state)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return descriptions.state_help(sample) if index.column() == STATE else None
        if sample.is_trained and index.column() == PROMPT:
            return None
        return QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)


_ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ForegroundRole,
    Qt.ItemDataRole.ToolTipRole,
)


def _rows(ids: NoteIds[int], db: sqlite3.Connection) -> dict[int, StoredSample]:
    return SampleBrowsing(db).rows(ids)


def _one_line(text: str) -> str:
    return " ".join(text.split())
