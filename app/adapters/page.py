"""Adapters: what training made, to chat with, share or delete."""

from __future__ import annotations

import functools
import sqlite3

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListView,
    QMenu,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.adapters.adapter_list_model import AdapterListModel, Index, Listed
from app.adapters.detail import AdapterDetail
from app.adapters.finding import MANY, found
from app.adapters.merge_panel import MergePanel
from app.adapters.new_adapter_bar import NewAdapterBar
from app.adapters.sharing import SharingPages
from app.adapters.ways_in import WaysIn
from app.library.deletions import Change
from app.library.missing_bases import MissingBase, find_missing_bases, missing_of
from app.library.renames import adapter_rename
from app.library.tagging import tag_step
from app.services import Services
from app.style import Size, Space, inset
from app.text.error_text import in_window
from app.widgets.deletable_list import (
    DeleteKeys,
    add_delete,
    choose_neighbour,
    choose_row,
    choose_rows,
)
from app.widgets.empty_state import EmptyState
from app.widgets.inline_rename import InlineRename
from app.widgets.labels import hairline, indented, label
from app.widgets.reveal import SHOW, reveal
from app.widgets.search_field import search_field
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

    continue_wanted = Signal(str)
    """Go there, and on from the adapter of this id."""

    renamed = Signal(str, str)
    """An adapter's old name and its new one."""

    models_wanted = Signal()
    """Go where base models are."""

    use_again_wanted = Signal(str, str)
    """Let the adapter of the first name answer again, from which that of the second went on."""

    refused = Signal(object)
    """Say with this OvernightError why what was chosen is not taken in."""

    notes_decided = Signal()
    """Notes were left out of training here, or brought back."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._library = services.library
        self._background = services.background
        self._history = services.history
        self._deletions = services.deletions
        self._new = services.new_adapters
        self._missing: tuple[MissingBase, ...] = ()
        self._all: list[Listed] = []
        self._wanted: str | None = None
        self._before: tuple[list[str], int] | None = None
        self.table = AdapterListModel()
        self.list = QListView()
        self.search = search_field("Find an adapter")
        self.detail = AdapterDetail(services.exports)
        self.merge_panel = MergePanel()
        self.ways_in = WaysIn(services)
        self.bar = NewAdapterBar(services.new_adapters)
        self.sharing = SharingPages(services, self.detail, _one_of(self.detail, self.merge_panel))
        self.undo_bar = UndoBar(services.history)
        self.empty = EmptyState(
            "adapters",
            "No adapters yet",
            "An adapter is what a night of training makes: what the model learned from your notes,"
            " in one small folder. You can also drop one here that somebody else made.",
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
        self.list.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.list.setUniformItemSizes(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(TwoLineDelegate(self.list))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        split = QSplitter()
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(indented(self._listed(), Space.TWO))
        split.addWidget(self.sharing)
        split.setStretchFactor(1, 1)
        split.setSizes([Size.LIST, Size.READING])
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        head.addWidget(label("Adapters", "title"), alignment=Qt.AlignmentFlag.AlignTop)
        head.addStretch()
        head.addWidget(self.ways_in)
        column.addLayout(head)
        column.addWidget(hairline())
        column.addWidget(split, 1)
        self._stack.addWidget(QWidget())  # until the first look
        self.ways_in.add_to(self.empty)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(full)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(self._stack, 1)
        outer.addWidget(self.bar)
        outer.addWidget(self.undo_bar)

    def _listed(self) -> QWidget:
        """The list, below the field to look for something in it."""
        place = QWidget()
        column = QVBoxLayout(place)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.search.hide()
        edges = QVBoxLayout()
        inset(edges, Space.ONE)
        edges.addWidget(self.search)
        column.addLayout(edges)
        column.addWidget(self.list)
        return place

    def _connect(self) -> None:
        self.empty.chosen.connect(self.training_wanted)
        self.search.textChanged.connect(lambda _: self._fill())
        self.detail.tags_wanted.connect(self._tag)
        self.detail.chat_wanted.connect(self.chat_wanted)
        self.detail.delete_wanted.connect(self._delete)
        self.detail.continue_wanted.connect(self.continue_wanted)
        self.detail.base_wanted.connect(self._bring_back)
        self.sharing.training_wanted.connect(self.training_wanted)
        self.sharing.notes_decided.connect(self.notes_decided)
        self.list.activated.connect(lambda index: self._chat(self.table.adapter(index.row())))
        self.ways_in.refused.connect(self.refused)
        self._new.made.connect(self._take_made)
        self._new.changed.connect(self._take_news)
        self.detail.warnings_read.connect(self._new.mark_read)
        self.detail.other_wanted.connect(self.choose)
        self.detail.use_again_wanted.connect(self.use_again_wanted)
        self.merge_panel.merge_wanted.connect(self._new.merge)
        self.list.selectionModel().currentChanged.connect(lambda *_: self._show_detail())
        self.list.selectionModel().selectionChanged.connect(lambda *_: self._show_detail())
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

    def _show(self, there: _Found) -> None:
        if self.rename.is_open:
            return  # the list is read again when the renaming ends
        self._all, self._missing = there
        self._fill()
        self._stack.setCurrentIndex(2 if self._all else 1)
        if not self._select_wanted():
            self._show_detail()

    def _fill(self) -> None:
        """Show those that are looked for, or all."""
        self.search.setVisible(len(self._all) > MANY or bool(self.search.text()))
        self.table.show(found(self._all, self.search.text()))

    def _remember(self) -> None:
        row = self.list.currentIndex().row()
        names = [each.name for each in self._chosen()]
        if row >= 0:  # the current one first
            current = self.table.adapter(row).name
            names = [current, *(name for name in names if name != current)]
        self._before = (names, row) if row >= 0 else None

    def _select(self) -> None:
        """Choose what is wanted, else what was chosen; where that is gone, what is in its place."""
        rows = self.table.rowCount()
        if not self._select_wanted() and rows:
            names, place = self._before or ([], 0)
            left = [row for name in names if (row := self.table.row_of(name)) >= 0]
            choose_rows(self.list, left or [min(place, rows - 1)])
        self._show_detail()

    def _select_wanted(self) -> bool:
        is_there = any(each.name == self._wanted for each in self._all)
        if is_there and self.table.row_of(self._wanted or "") < 0:
            self.search.clear()  # else what is wanted would not be seen
        row = self.table.row_of(self._wanted) if self._wanted is not None else -1
        if row >= 0:
            self._wanted = None
            choose_row(self.list, row)
        return row >= 0

    def _show_detail(self) -> None:
        chosen, there = self._chosen(), self._all
        is_merging = len(chosen) > 1
        self.merge_panel.setVisible(is_merging)
        if is_merging:
            self.detail.show_adapter(None)
            self.merge_panel.show_adapters(chosen, [each.name for each in there])
            return
        current = self.list.currentIndex()
        adapter = self.table.adapter(current.row()) if current.isValid() else None
        whole = [each for each in there if isinstance(each, Adapter)]
        base = adapter.card.base if isinstance(adapter, Adapter) else ""
        warnings = self._new.warnings(adapter) if isinstance(adapter, Adapter) else ()
        self.detail.show_adapter(adapter, missing_of(self._missing, base), whole, warnings)

    def _chosen(self) -> list[Listed]:
        """What is chosen in the list, from the top."""
        rows = sorted(index.row() for index in self.list.selectionModel().selectedRows())
        return [self.table.adapter(row) for row in rows]

    def _bring_back(self, missing: MissingBase) -> None:
        if missing.binned is not None:
            self._deletions.restore([missing.binned])
        else:
            self.models_wanted.emit()

    def _open_menu(self, point: QPoint) -> None:
        index = self.list.indexAt(point)
        if not index.isValid():
            return
        adapter, chosen = self.table.adapter(index.row()), self._chosen()
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if len(chosen) > 1 and adapter in chosen:
            delete = add_delete(menu, f"Delete {len(chosen)} Adapters")
            delete.triggered.connect(lambda _: self._delete_current())
            menu.popup(self.list.viewport().mapToGlobal(point))
            return
        if isinstance(adapter, Adapter):
            menu.addAction("Chat", functools.partial(self._chat, adapter))
            menu.addAction("Rename", functools.partial(self.rename.open, index)).setShortcut("F2")
        menu.addAction(SHOW, functools.partial(reveal, adapter.path))
        menu.addSeparator()
        delete = add_delete(menu)
        delete.triggered.connect(lambda _: self._delete(adapter.name))
        menu.popup(self.list.viewport().mapToGlobal(point))

    # --- adapters of others, and merged ones ---

    def _take_made(self, name: str) -> None:
        self.merge_panel.forget_name(name)
        self._wanted = name
        self.refresh()

    def _take_news(self) -> None:
        self.merge_panel.show_busy(self._new.is_busy)
        if not self._new.is_busy:
            self._show_detail()  # its warnings

    # --- deleting and renaming ---

    def _delete_current(self) -> None:
        names = [each.name for each in self._chosen()]
        if names:
            choose_neighbour(self.list)
            self._deletions.delete("adapter", names, names[0] if len(names) == 1 else "")

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
        others = (each.name for each in self._all)
        other = same_among(name, (each for each in others if each != old))
        if other is not None:
            return f"There is an adapter called “{other}” already."
        try:
            check_name(name)
        except OvernightError as error:
            return in_window(error.hint) if name else "An adapter needs a name."
        return ""

    def _tag(self, adapter: Adapter, tags: tuple[str, ...]) -> None:
        self._history.do(tag_step(self._library, adapter, tags, self.refresh))

    def _rename(self, old: object, new: str) -> None:
        self._history.do(adapter_rename(self._library, str(old), new, self._take_name))

    def _take_name(self, old: str, new: str) -> None:
        self._wanted = new
        self.refresh()
        self.renamed.emit(old, new)


def _find(library: Library, db: sqlite3.Connection) -> _Found:
    folder = library.adapters
    return [*list_adapters(folder), *list_damaged(folder)], find_missing_bases(library, db)


def _one_of(*parts: QWidget) -> QWidget:
    """Parts of which one is shown at a time; the place is only as high as that one."""
    place = QWidget()
    column = QVBoxLayout(place)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for part in parts:
        column.addWidget(part)
    return place
