"""Adapters: what trainings made, to chat with, share or delete."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QListView, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from app.adapter_table import AdapterTable, Listed
from app.background import Background
from app.exports import Exports
from app.pages.adapter_detail import AdapterDetail
from app.style import Size, Space
from app.widgets.empty import EmptyState
from app.widgets.page_scroll import PageScroll
from app.widgets.text import hairline, indented, label
from app.widgets.two_lines import TwoLines
from app.widgets.undo import UndoBar
from mlx_backend.library.adapters import Adapter, list_adapters, list_damaged, remove_adapter
from mlx_backend.library.notes import Notes


class AdaptersPage(QWidget):
    """A list of adapters, and one of them in full."""

    chat_wanted = Signal(str)
    """Chat with the adapter of this name."""

    training_wanted = Signal()
    """Go where training starts."""

    adapters_changed = Signal()
    """One was deleted, or brought back."""

    def __init__(self, background: Background, exports: Exports, folder: Path) -> None:
        super().__init__()
        self._background = background
        self._folder = folder
        self._wanted: str | None = None
        self.table = AdapterTable()
        self.list = QListView()
        self.detail = AdapterDetail(exports)
        self.undo_bar = UndoBar()
        self.empty = EmptyState(
            "adapters",
            "No adapters yet",
            "An adapter is what a night of training makes: what the model learned from your notes,"
            " in one small folder.",
            "Go to Tonight",
        )
        self._stack = QStackedLayout()
        self._lay_out()
        self._connect()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Look which adapters there are."""
        self._background.call(lambda _: _find(self._folder), self._show)

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
        self.list.setItemDelegate(TwoLines(self.list))
        split = QSplitter()
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(indented(self.list, Space.TWO))
        split.addWidget(PageScroll(self.detail))
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
        self.list.activated.connect(lambda index: self._chat(self.table.adapter(index.row())))
        self.list.selectionModel().currentChanged.connect(lambda *_: self._show_detail())
        self.table.modelAboutToBeReset.connect(self._remember)
        self.table.modelReset.connect(self._select)
        for key in (QKeySequence.StandardKey.Delete, QKeySequence(Qt.Key.Key_Backspace)):
            shortcut = QShortcut(key, self.list)
            shortcut.activated.connect(self._delete_current)

    def _chat(self, adapter: Listed) -> None:
        if isinstance(adapter, Adapter):
            self.chat_wanted.emit(adapter.name)

    def _show(self, adapters: list[Listed]) -> None:
        self.table.show(adapters)
        self._arrange()

    def _arrange(self) -> None:
        self._stack.setCurrentIndex(2 if self.table.rowCount() else 1)

    def _remember(self) -> None:
        current = self.list.currentIndex()
        if self._wanted is None and current.isValid():
            self._wanted = self.table.adapter(current.row()).name

    def _select(self) -> None:
        row = self.table.row_of(self._wanted) if self._wanted is not None else -1
        if row >= 0:
            self._wanted = None
        if self.table.rowCount():
            self.list.setCurrentIndex(self.table.index(max(row, 0)))
        self._show_detail()

    def _show_detail(self) -> None:
        current = self.list.currentIndex()
        self.detail.show_adapter(self.table.adapter(current.row()) if current.isValid() else None)

    def _delete_current(self) -> None:
        current = self.list.currentIndex()
        if current.isValid():
            self._delete(self.table.adapter(current.row()).name)

    def _delete(self, name: str) -> None:
        """Out of sight now; off the disk once there is no undo any more."""
        self.table.hide(name)
        self._arrange()
        self.adapters_changed.emit()

        def bring_back() -> None:
            self.table.unhide(name)
            self._arrange()
            self.adapters_changed.emit()

        self.undo_bar.offer(f"Deleted “{name}”.", bring_back, self._remover(name))

    def _remover(self, name: str) -> Callable[[], None]:
        def remove() -> None:
            self._background.call(lambda db: self._remove(db, name), self._removed)

        return remove

    def _remove(self, db: sqlite3.Connection, name: str) -> None:
        remove_adapter(self._folder, name)
        Notes(db).forget_adapter(name)

    def _removed(self, _: None) -> None:
        self.adapters_changed.emit()
        self.refresh()


def _find(folder: Path) -> list[Listed]:
    return [*list_adapters(folder), *list_damaged(folder)]
