"""Adapters: what training made, to chat with, share or delete."""

from __future__ import annotations

import functools
import sqlite3

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QListView, QMenu, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from app.adapters.adapter_list_model import AdapterListModel, Index, Listed
from app.adapters.detail import AdapterDetail
from app.adapters.sharing import SharingPages
from app.library.deletions import Change
from app.library.missing_bases import MissingBase, find_missing_bases, missing_of
from app.library.renames import adapter_rename
from app.services import Services
from app.style import Size, Space
from app.text.error_text import in_window
from app.widgets.deletable_list import DeleteKeys, add_delete, choose_neighbour, choose_row
from app.widgets.empty_state import EmptyState
from app.widgets.inline_rename import InlineRename
from app.widgets.labels import hairline, indented, label
from app.widgets.reveal import SHOW, reveal
from app.widgets.two_line_delegate import TwoLineDelegate
from app.widgets.undo_bar import UndoBar
from mlx_backend.errors import OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapter_names import check_name, same_among
from mlx_backend.library.adapters import Adapter, list_adapters, list_damaged

_Found = tuple[list[Listed], tuple[MissingBase, ...]]


class AdaptersPage(QWidget):
    """A list of adapters, and one of them in full."""

    chat_wanted = Signal(str)
    """Chat with the adapter of this name."""

    training_wanted = Signal()
    """Go where training starts."""

    renamed = Signal(str, str)
    """An adapter's old name and its new one."""

    models_wanted = Signal()
    """Go where base models are."""

    notes_decided = Signal()
    """Notes were left out of training here, or brought back."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._library = services.library
        self._background = services.background
        self._history = services.history
        self._deletions = services.deletions
        self._missing: tuple[MissingBase, ...] = ()
        self._wanted: str | None = None
        self._before: tuple[str, int] | None = None
        self.table = AdapterListModel()
        self.list = QListView()
        self.detail = AdapterDetail(services.exports)
        self.sharing = SharingPages(services, self.detail)
        self.undo_bar = UndoBar(services.history)
        self.empty = EmptyState(
            "adapters",
            "No adapters yet",
            "An adapter is what a night of training makes: what the model learned from your notes,"
            " in one small folder.",
            "Go to Tonight",
        )
        self._stack = QStackedLayout()
        self._lay_out()
        self.rename = InlineRename(self.list, self._name_at, self._refuse)
        self._connect()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Look which adapters there are."""
        self._background.call(lambda db: _find(self._library, db), self._show)

    def choose(self, name: str) -> None:
        """Show this adapter, now or as soon as it is in the list."""
        self._wanted = name
        self._select()

    def _lay_out(self) -> None:
        self.list.setModel(self.table)
        self.list.setProperty("kind", "rows")
        self.list.setAccessibleName("Adapters")
        self.list.setUniformItemSizes(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(TwoLineDelegate(self.list))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        split = QSplitter()
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(indented(self.list, Space.TWO))
        split.addWidget(self.sharing)
        split.setStretchFactor(1, 1)
        split.setSizes([Size.LIST, Size.READING])
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        title = label("Adapters", "title")
        title.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        column.addWidget(title)
        column.addWidget(hairline())
        column.addWidget(split, 1)
        self._stack.addWidget(QWidget())  # until the first look
        self._stack.addWidget(self.empty)
        self._stack.addWidget(full)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(self._stack, 1)
        outer.addWidget(self.undo_bar)

    def _connect(self) -> None:
        self.empty.chosen.connect(self.training_wanted)
        self.detail.chat_wanted.connect(self.chat_wanted)
        self.detail.delete_wanted.connect(self._delete)
        self.detail.base_wanted.connect(self._bring_back)
        self.sharing.training_wanted.connect(self.training_wanted)
        self.sharing.notes_decided.connect(self.notes_decided)
        self.list.activated.connect(lambda index: self._chat(self.table.adapter(index.row())))
        self.list.selectionModel().currentChanged.connect(lambda *_: self._show_detail())
        self.table.modelAboutToBeReset.connect(self._remember)
        self.table.modelReset.connect(self._select)
        DeleteKeys(self.list).pressed.connect(self._delete_current)
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.rename.renamed.connect(self._rename)
        self.rename.closed.connect(self.refresh)
        self._deletions.changed.connect(self._take_change)

    def _chat(self, adapter: Listed) -> None:
        if isinstance(adapter, Adapter):
            self.chat_wanted.emit(adapter.name)

    def _show(self, found: _Found) -> None:
        if self.rename.is_open:
            return  # the list is read again when the renaming ends
        adapters, self._missing = found
        self.table.show(adapters)
        self._stack.setCurrentIndex(2 if adapters else 1)
        if not self._select_wanted():
            self._show_detail()

    def _remember(self) -> None:
        row = self.list.currentIndex().row()
        self._before = (self.table.adapter(row).name, row) if row >= 0 else None

    def _select(self) -> None:
        """Choose what is wanted, else what was chosen; where that is gone, what is in its place."""
        rows = self.table.rowCount()
        if not self._select_wanted() and rows:
            name, place = self._before or ("", 0)
            row = self.table.row_of(name)
            choose_row(self.list, row if row >= 0 else min(place, rows - 1))
        self._show_detail()

    def _select_wanted(self) -> bool:
        row = self.table.row_of(self._wanted) if self._wanted is not None else -1
        if row >= 0:
            self._wanted = None
            choose_row(self.list, row)
        return row >= 0

    def _show_detail(self) -> None:
        current = self.list.currentIndex()
        adapter = self.table.adapter(current.row()) if current.isValid() else None
        base = adapter.card.base if isinstance(adapter, Adapter) else ""
        self.detail.show_adapter(adapter, missing_of(self._missing, base))

    def _bring_back(self, missing: MissingBase) -> None:
        if missing.binned is not None:
            self._deletions.restore([missing.binned])
        else:
            self.models_wanted.emit()

    def _open_menu(self, point: QPoint) -> None:
        index = self.list.indexAt(point)
        if not index.isValid():
            return
        adapter = self.table.adapter(index.row())
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if isinstance(adapter, Adapter):
            menu.addAction("Chat", functools.partial(self._chat, adapter))
            menu.addAction("Rename", functools.partial(self.rename.open, index)).setShortcut("F2")
        menu.addAction(SHOW, functools.partial(reveal, adapter.path))
        menu.addSeparator()
        delete = add_delete(menu)
        delete.triggered.connect(lambda _: self._delete(adapter.name))
        menu.popup(self.list.viewport().mapToGlobal(point))

    # --- deleting and renaming ---

    def _delete_current(self) -> None:
        chosen = self.list.selectionModel().selectedRows()
        if chosen:
            self._delete(self.table.adapter(chosen[0].row()).name)

    def _delete(self, name: str) -> None:
        current = self.list.currentIndex()
        if current.isValid() and self.table.adapter(current.row()).name == name:
            choose_neighbour(self.list)
        self._deletions.delete("adapter", [name], name)

    def _take_change(self, change: Change) -> None:
        if change.kind == "model":
            self.refresh()
        elif change.kind == "adapter":
            if change.is_back and change.keys:
                self._wanted = str(change.keys[0])
            self.refresh()

    def _name_at(self, index: Index) -> str | None:
        adapter = self.table.adapter(index.row())
        return adapter.name if isinstance(adapter, Adapter) else None

    def _refuse(self, old: object, name: str) -> str:
        others = (self.table.adapter(row).name for row in range(self.table.rowCount()))
        other = same_among(name, (each for each in others if each != old))
        if other is not None:
            return f"There is an adapter called “{other}” already."
        try:
            check_name(name)
        except OvernightError as error:
            return in_window(error.hint) if name else "An adapter needs a name."
        return ""

    def _rename(self, old: object, new: str) -> None:
        self._history.do(adapter_rename(self._library, str(old), new, self._take_name))

    def _take_name(self, old: str, new: str) -> None:
        self._wanted = new
        self.refresh()
        self.renamed.emit(old, new)


def _find(library: Library, db: sqlite3.Connection) -> _Found:
    folder = library.adapters
    return [*list_adapters(folder), *list_damaged(folder)], find_missing_bases(library, db)
