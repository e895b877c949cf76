"""The list of notes: choosing, and by key or menu leaving out and deleting."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QMenu

from app.notes.note_table_model import STATE, TITLE, WORDS, NoteTableModel
from app.style import Size, sized
from app.widgets.deletable_list import DeleteKeys, add_delete, chosen_ranges
from app.widgets.reveal import SHOW
from app.widgets.row_table import RowTable
from mlx_backend.library.note_browsing import NoteIds

# A larger selection is not restored in another list.
_MOST_KEPT = 1_000


class NoteList(RowTable):
    """A view of a `NoteTableModel`. A new list keeps the selection where it has the same notes."""

    chosen = Signal(object)
    """The ids of the chosen notes, in order."""

    inclusion_wanted = Signal(bool)
    """The chosen notes are to be used, or to be left out."""

    delete_wanted = Signal()
    """The chosen notes are to be deleted."""

    reveal_wanted = Signal(object)
    """A NoteSummary whose file is to be shown."""

    def __init__(self, table: NoteTableModel) -> None:
        super().__init__(table, "Notes")
        self._table = table
        self._kept: NoteIds[int] = array("q")
        header = self.horizontalHeader()
        # One of its own, which stays empty: otherwise the header asks of every chosen row whether
        # it is chosen, each time that a heading is drawn.
        header.setSelectionModel(QItemSelectionModel(table, header))
        self.stretch(TITLE, (WORDS, STATE))
        sized(header, lambda it: it.resizeSection(WORDS, Size.NARROW_COLUMN))
        sized(header, lambda it: it.resizeSection(STATE, Size.COLUMN))
        self.customContextMenuRequested.connect(self._open_menu)
        DeleteKeys(self).pressed.connect(self._delete_chosen)
        self.selectionModel().selectionChanged.connect(lambda *_: self._announce())
        table.modelAboutToBeReset.connect(self._keep)
        table.modelReset.connect(self._restore)

    def chosen_ids(self) -> NoteIds[int]:
        """The ids of the chosen notes, in order."""
        return self._table.ids(self._ranges())

    def choose(self, note_id: int) -> bool:
        """Choose this note alone, and bring it into view; False where it is not listed."""
        rows = self._table.rows_of((note_id,))
        if not rows:
            return False
        flags = QItemSelectionModel.SelectionFlag
        where = self._table.index(rows[0], TITLE)
        self.selectionModel().setCurrentIndex(where, flags.ClearAndSelect | flags.Rows)
        self.scrollTo(where, QAbstractItemView.ScrollHint.PositionAtCenter)
        return True

    def choose_all(self, note_ids: Iterable[int]) -> None:
        """Choose those of these notes that are listed, where there are not too many."""
        self._kept = array("q", note_ids)
        if len(self._kept) <= _MOST_KEPT:
            self.clearSelection()
            self._restore()

    def title_of_chosen(self) -> str:
        """The title of the chosen note; "" where several are chosen, or it is not known yet."""
        ranges = self._ranges()
        note = self._table.note(ranges[0][0]) if ranges else None
        return note.title if note is not None and len(self.chosen_ids()) == 1 else ""

    def _ranges(self) -> list[tuple[int, int]]:
        return chosen_ranges(self)

    def _delete_chosen(self) -> None:
        if self._ranges():
            self.delete_wanted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setColumnHidden(WORDS, self.width() < Size.LIST + Size.COLUMN)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ranges = self._ranges()
        if event.key() == Qt.Key.Key_Space and ranges:
            first = self._table.note(ranges[0][0])
            self.inclusion_wanted.emit(first is not None and first.status == "excluded")
        elif event.key() == Qt.Key.Key_Escape and ranges:
            self.clearSelection()
        else:
            super().keyPressEvent(event)

    def _open_menu(self, point: QPoint) -> None:
        ranges = self._ranges()
        if not ranges:
            return
        first, last = ranges[0][0], ranges[-1][1]
        note = self._table.note(first) if first == last else None
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if note is None or note.status not in ("excluded", "gone"):
            menu.addAction("Leave Out", lambda: self.inclusion_wanted.emit(False))
        if note is None or note.status == "excluded":
            menu.addAction("Use for Training", lambda: self.inclusion_wanted.emit(True))
        if note is not None:
            menu.addAction(SHOW, lambda: self.reveal_wanted.emit(note))
        menu.addSeparator()
        add_delete(menu).triggered.connect(lambda _: self._delete_chosen())
        menu.popup(self.viewport().mapToGlobal(point))

    def _announce(self) -> None:
        self.chosen.emit(self.chosen_ids())

    def _keep(self) -> None:
        chosen = self.chosen_ids()
        self._kept = chosen if len(chosen) <= _MOST_KEPT else array("q")

    def _restore(self) -> None:
        rows = self._table.rows_of(self._kept)
        mode = QItemSelectionModel.SelectionFlag
        selection = QItemSelection()
        for row in rows:
            selection.select(self._table.index(row, TITLE), self._table.index(row, STATE))
        self.selectionModel().select(selection, mode.Select)
        if rows:
            current = self._table.index(rows[0], TITLE)
            self.selectionModel().setCurrentIndex(current, mode.NoUpdate)
        self._announce()
