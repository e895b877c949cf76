"""The conversations beside the one that is open."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QListView, QMenu, QVBoxLayout, QWidget

from app.conversation_list import ConversationList
from app.style import Size, Space, sized
from app.widgets.text import button
from app.widgets.two_lines import TwoLines
from mlx_backend.library.conversations import Conversation


class ChatSidebar(QWidget):
    """Choose a conversation, begin one, delete one."""

    chosen = Signal(int)
    new_wanted = Signal()
    delete_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.list = ConversationList()
        self.new = button("New Conversation")
        self.view = QListView()
        self.view.setModel(self.list)
        self.view.setProperty("kind", "rows")
        self.view.setItemDelegate(TwoLines(self.view))
        self.view.setAccessibleName("Conversations")
        self.view.setUniformItemSizes(True)
        self.view.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        sized(self, lambda it: it.setFixedWidth(Size.LIST))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.TWO, Space.TWO, Space.TWO, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.new)
        layout.addWidget(self.view, 1)
        self._open: int | None = None
        self._connect()

    def show_conversations(self, conversations: Sequence[Conversation]) -> None:
        """List these."""
        self.list.show(conversations)

    def mark_open(self, conversation_id: int | None) -> None:
        """Mark the conversation that is open; None where it is a new one."""
        self._open = conversation_id
        self._select()

    def _connect(self) -> None:
        self.new.clicked.connect(self.new_wanted)
        self.list.modelReset.connect(self._select)
        self.view.selectionModel().currentChanged.connect(lambda *_: self._announce())
        self.view.customContextMenuRequested.connect(self._show_menu)
        for key in (QKeySequence.StandardKey.Delete, QKeySequence(Qt.Key.Key_Backspace)):
            shortcut = QShortcut(key, self.view)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(self._delete_current)

    def _select(self) -> None:
        row = self.list.row_of(self._open)
        selection = self.view.selectionModel()
        if row is None:
            selection.clear()
        else:
            flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
            selection.setCurrentIndex(self.list.index(row), flag)

    def _announce(self) -> None:
        current = self.view.currentIndex()
        if current.isValid():
            conversation_id = self.list.conversation(current.row()).id
            if conversation_id != self._open:
                self._open = conversation_id
                self.chosen.emit(conversation_id)

    def _delete_current(self) -> None:
        current = self.view.currentIndex()
        if current.isValid():
            self.delete_wanted.emit(self.list.conversation(current.row()).id)

    def _show_menu(self, position: QPoint) -> None:
        index = self.view.indexAt(position)
        if not index.isValid():
            return
        conversation_id = self.list.conversation(index.row()).id
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        delete = menu.addAction("Delete")
        delete.triggered.connect(lambda: self.delete_wanted.emit(conversation_id))
        menu.popup(self.view.viewport().mapToGlobal(position))
