"""The bin: what was deleted, to be restored or thrown out for good."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.bin.bin_table_model import DELETED, KIND, NAME, SIZE, STAYS, BinTableModel
from app.bin.library_space import LibrarySpace
from app.library.deletions import THINGS
from app.services import Services
from app.style import Size, Space, sized
from app.text import amounts
from app.widgets.confirm_dialog import ConfirmDialog
from app.widgets.deletable_list import (
    DeleteKeys,
    add_delete,
    choose_neighbour,
    choose_row,
    chosen_ranges,
)
from app.widgets.empty_state import EmptyState
from app.widgets.labels import button, hairline, indented, label
from app.widgets.row_table import RowTable
from app.widgets.undo_bar import UndoBar
from mlx_backend.library.bin import Binned

_BY_NEED = (STAYS, KIND, DELETED, SIZE)  # the last are hidden first where there is no room for all
_FOR_GOOD = "This is the one thing that Overnight cannot undo."


class BinPage(QWidget):
    """Lists deleted things. Only what is thrown out here is gone for good."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._deletions = services.deletions
        self._preferences = services.preferences
        self.table = BinTableModel()
        self.view = RowTable(self.table, "Deleted things")
        self.space = LibrarySpace(services.library, services.background)
        self.restore = button("Restore")
        self.throw_out = button("Delete for Good…")
        self.empty_all = button("Empty Bin…")
        self.undo_bar = UndoBar(services.history)
        self.empty = EmptyState("bin", "The bin is empty", "")
        self._stack = QStackedLayout()
        self._lay_out()
        self._connect()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    def refresh(self) -> None:
        """Look what is in the bin."""
        self._deletions.items(self._show)
        if self.space.isVisible():
            self.space.refresh()

    def chosen(self) -> list[Binned]:
        """The chosen things, in order."""
        ranges = chosen_ranges(self.view)
        return [self.table.item(row) for top, bottom in ranges for row in range(top, bottom + 1)]

    def _show(self, items: list[Binned]) -> None:
        kept = [item.id for item in self.chosen()]
        self.table.show(items, self._preferences.settings.bin_days)
        rows = self.table.rows_of(kept)
        if rows and not self.chosen():
            choose_row(self.view, rows[0])
        self._stack.setCurrentIndex(2 if items else 1)
        self.empty.sentence.setText(_purpose(self._preferences.settings.bin_days))
        self._show_buttons()

    def _show_buttons(self) -> None:
        for each in (self.restore, self.throw_out):
            each.setEnabled(bool(self.chosen()))
        self.empty_all.setEnabled(self.table.rowCount() > 0)

    # --- acts ---

    def _restore(self) -> None:
        items = self.chosen()
        choose_neighbour(self.view)
        self._deletions.restore(items)

    def _ask_to_throw_out(self) -> None:
        items = self.chosen()
        if items:
            what = _named(items)
            self._ask(f"Delete {what} for good?", lambda: self._throw_out(items))

    def _throw_out(self, items: list[Binned]) -> None:
        choose_neighbour(self.view)
        self._deletions.throw_out(items)

    def _ask_to_empty(self) -> None:
        items = list(self.table.items)
        if items:
            things = amounts.count(len(items), "thing")
            throw_out = functools.partial(self._deletions.throw_out, items)
            self._ask(f"Delete {things} for good?", throw_out, "Empty Bin")

    def _ask(self, question: str, act: Callable[[], None], deed: str = "Delete for Good") -> None:
        dialog = ConfirmDialog(self, question, _FOR_GOOD, deed)
        dialog.accepted.connect(act)
        dialog.open()

    def _open_menu(self, point: QPoint) -> None:
        if not self.chosen():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Restore", self._restore)
        add_delete(menu, "Delete for Good…").triggered.connect(lambda _: self._ask_to_throw_out())
        menu.popup(self.view.viewport().mapToGlobal(point))

    # --- making the page ---

    def _connect(self) -> None:
        self.restore.clicked.connect(self._restore)
        self.throw_out.clicked.connect(self._ask_to_throw_out)
        self.empty_all.clicked.connect(self._ask_to_empty)
        DeleteKeys(self.view).pressed.connect(self._ask_to_throw_out)
        self.view.customContextMenuRequested.connect(self._open_menu)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._show_buttons())
        self.table.modelReset.connect(self._show_buttons)
        self._deletions.changed.connect(lambda _: self._refresh_if_seen())
        self._deletions.emptied.connect(self._refresh_if_seen)
        self._preferences.changed.connect(self._refresh_if_seen)

    def _refresh_if_seen(self) -> None:
        if self.isVisible():
            self.refresh()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(Space.ONE)
        top.addWidget(label("Bin", "title"))
        top.addStretch()
        for each in (self.restore, self.throw_out, self.empty_all):
            top.addWidget(each)
        header = QVBoxLayout()
        header.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        header.setSpacing(Space.ONE)
        header.addLayout(top)
        header.addWidget(self.space)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(header)
        column.addWidget(hairline())
        listed = indented(self.view, Space.TWO)
        listed.setContentsMargins(0, 0, Space.TWO, 0)
        column.addWidget(listed, 1)
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.stretch(NAME, _BY_NEED)
        sized(self, BinPage._fit_columns)
        self._stack.addWidget(QWidget())  # until the first look
        self._stack.addWidget(self.empty)
        self._stack.addWidget(full)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._stack, 1)
        layout.addWidget(self.undo_bar)

    def _fit_columns(self) -> None:
        """Leave the names as much room as they need to be told apart."""
        left = self.width() - 2 * Space.TWO - Size.FIELD
        for column in _BY_NEED:
            width = Size.COLUMN if column == SIZE else Size.SHORT_FIELD
            left -= width
            self.view.setColumnHidden(column, left < 0)
            self.view.horizontalHeader().resizeSection(column, width)


def _named(items: list[Binned]) -> str:
    if len(items) > 1:
        return amounts.count(len(items), "thing")
    return f"the {THINGS[items[0].kind][0]} “{' '.join(items[0].name.split())}”"


def _purpose(days: int) -> str:
    how_long = f"for {amounts.count(days, 'day')}" if days else "until you empty it"
    return (
        f"Adapters, conversations, models, notes and samples that you delete stay here {how_long},"
        " and can be restored."
    )
