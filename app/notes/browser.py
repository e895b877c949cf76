"""The notes in three columns: folders, list, and the chosen note; or that there are none."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.library.window_state import window_state
from app.notes.folder_list import FolderList
from app.notes.folder_tree_model import FolderTreeModel
from app.notes.header import NotesHeader
from app.notes.note_list import NoteList
from app.notes.note_table_model import NoteTableModel
from app.notes.preview import NotePreview
from app.notes.skipped_files import SkippedFiles
from app.services import Services
from app.style import Size, Space
from app.widgets.columns import columns
from app.widgets.empty_state import EmptyState
from app.widgets.labels import hairline, indented
from app.widgets.page_scroll import PageScroll
from app.widgets.undo_bar import UndoBar

_NO_NOTES = (
    "Drop a folder of notes into this window, or choose one. Notes that you deleted are in the bin."
)


class NotesBrowser(QWidget):
    """Holds these parts in their places; the page connects them."""

    folder_wanted = Signal()
    """Choose a folder to import."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        background = services.background
        self.header = NotesHeader(background, services.imports)
        self.table = NoteTableModel(background)
        self.tree = FolderTreeModel(background)
        self.list = NoteList(self.table)
        self.folders = FolderList(self.tree)
        self.preview = NotePreview(background, services.style, window_state(services.library.home))
        self.skipped = SkippedFiles(background)
        self.empty = EmptyState("notes", "No notes", _NO_NOTES, "Choose Folder…")
        self.undo_bar = UndoBar(services.history)
        self._middle = QStackedWidget()
        self._body = QStackedWidget()
        self._lay_out()
        self.header.add.clicked.connect(self.folder_wanted)
        self.empty.chosen.connect(self.folder_wanted)

    def show_skipped(self, shown: bool) -> None:
        """Show the skipped files in place of the list of notes, or the list again."""
        self._middle.setCurrentIndex(1 if shown else 0)

    def show_empty(self, shown: bool) -> None:
        """Say that there are no notes and what to do next, or show the columns."""
        self._body.setCurrentIndex(1 if shown else 0)

    def _lay_out(self) -> None:
        self._middle.addWidget(indented(self.list, Space.ONE))
        self._middle.addWidget(self.skipped)
        self._body.addWidget(self._columns())
        self._body.addWidget(self.empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(hairline())
        layout.addWidget(self._body, 1)
        layout.addWidget(self.undo_bar)

    def _columns(self) -> QSplitter:
        split = columns(
            (
                (self.folders, lambda: Size.FOLDERS_LEAST),
                (self._middle, lambda: Size.LIST_LEAST),
                (PageScroll(self.preview), lambda: Size.LIST_LEAST),
            )
        )
        # Shares of the width; most is for reading.
        split.setSizes([Size.SIDEBAR, Size.LIST_LEAST, Size.FIELD + Size.SHORT_FIELD])
        for place, share in enumerate((1, 3, 4)):
            split.setStretchFactor(place, share)
        return split
