"""The conversations beside the one that is open."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QListView, QMenu, QVBoxLayout, QWidget

from app.chat.conversation_list_model import ConversationListModel, Index
from app.style import Size, Space, sized
from app.widgets.deletable_list import DeleteKeys, add_delete, choose_neighbour, choose_row
from app.widgets.inline_rename import InlineRename
from app.widgets.labels import button, paragraph
from app.widgets.search_field import search_field
from app.widgets.two_line_delegate import TwoLineDelegate
from mlx_backend.library.conversations import Conversation

_PAUSE_MS = 150


class ConversationView(QListView):
    """A list whose rows can be dragged out of the window, as files."""

    dragged = Signal(object)
    """The row's QModelIndex."""

    def startDrag(self, actions: Qt.DropAction) -> None:
        self.dragged.emit(self.currentIndex())


class ConversationSidebar(QWidget):
    """Choose a conversation, begin one, delete or rename one."""

    chosen = Signal(int)
    new_wanted = Signal()

    delete_wanted = Signal(object)
    """A Conversation. Its neighbour, to be opened instead, is chosen already."""

    rename_wanted = Signal(object, str)
    """A Conversation, and its new title."""

    pin_wanted = Signal(object, bool)
    """A Conversation, and whether it is to stay at the top."""

    export_wanted = Signal(object)
    """A Conversation that is to be a file."""

    pressed = Signal(object)
    dragged = Signal(object)
    """A Conversation that may be dragged in a moment, and one that is."""

    words_changed = Signal(str)
    """Only conversations with these words are wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.list = ConversationListModel()
        self.new = button("New Conversation")
        self.search = search_field("Search conversations")
        sized(self.search, lambda it: it.setMaximumWidth(Size.LIST))
        self.nothing = paragraph("No conversation has these words.", "quiet")
        self.nothing.hide()
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self.view = ConversationView()
        self.view.setDragEnabled(True)
        self.view.setDragDropMode(QListView.DragDropMode.DragOnly)
        self.view.setModel(self.list)
        self.view.setProperty("kind", "rows")
        self.view.setItemDelegate(TwoLineDelegate(self.view))
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
        layout.addWidget(self.search)
        layout.addWidget(self.nothing)
        layout.addWidget(self.view, 1)
        self._open: int | None = None
        self._late: Sequence[Conversation] | None = None
        self.rename = InlineRename(self.view, self._conversation_at, _refuse)
        self._connect()

    def show_conversations(self, conversations: Sequence[Conversation]) -> None:
        """List these."""
        if self.rename.is_open:
            self._late = conversations  # a list that moves would take the field with it
        else:
            self._late = None
            self.list.show(conversations)
            self.nothing.setVisible(not conversations and bool(self.search.text().strip()))

    def mark_open(self, conversation_id: int | None) -> None:
        """Mark the conversation that is open; None where it is a new one."""
        self._open = conversation_id
        self._select()

    def step(self, rows: int) -> None:
        """Open the conversation so many rows below the one that is open."""
        at = self.list.row_of(self._open)
        to = (0 if rows > 0 else -1) if at is None else at + rows
        if 0 <= to < self.list.rowCount():
            choose_row(self.view, to)

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda _: self._pause.start())
        self._pause.timeout.connect(lambda: self.words_changed.emit(self.search.text()))
        self.view.pressed.connect(lambda index: self.pressed.emit(self._conversation_at(index)))
        self.view.dragged.connect(self._drag)
        self.new.clicked.connect(self.new_wanted)
        self.list.modelReset.connect(self._select)
        self.view.selectionModel().currentChanged.connect(lambda *_: self._announce())
        self.view.customContextMenuRequested.connect(self._show_menu)
        DeleteKeys(self.view).pressed.connect(self._delete_current)
        self.rename.renamed.connect(self.rename_wanted)
        self.rename.closed.connect(self._show_late)

    def _select(self) -> None:
        choose_row(self.view, self.list.row_of(self._open))

    def _announce(self) -> None:
        current = self.view.currentIndex()
        if current.isValid():
            conversation_id = self.list.conversation(current.row()).id
            if conversation_id != self._open:
                self._open = conversation_id
                self.chosen.emit(conversation_id)

    def _delete_current(self) -> None:
        chosen = self.view.selectionModel().selectedRows()
        if chosen:
            self._delete(self.list.conversation(chosen[0].row()))

    def _delete(self, conversation: Conversation) -> None:
        if conversation.id == self._open:
            choose_neighbour(self.view)
        self.delete_wanted.emit(conversation)

    def _conversation_at(self, index: Index) -> Conversation:
        return self.list.conversation(index.row())

    def _drag(self, index: Index) -> None:
        if index.isValid():
            self.dragged.emit(self._conversation_at(index))

    def _show_late(self) -> None:
        if self._late is not None:
            self.show_conversations(self._late)

    def _show_menu(self, position: QPoint) -> None:
        index = self.view.indexAt(position)
        if not index.isValid():
            return
        conversation = self.list.conversation(index.row())
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Rename", functools.partial(self.rename.open, index)).setShortcut("F2")
        pin = functools.partial(self.pin_wanted.emit, conversation, not conversation.pinned)
        menu.addAction("Unpin" if conversation.pinned else "Pin", pin)
        export = functools.partial(self.export_wanted.emit, conversation)
        menu.addAction("Export as Markdown…", export)
        menu.addSeparator()
        add_delete(menu).triggered.connect(lambda _: self._delete(conversation))
        menu.popup(self.view.viewport().mapToGlobal(position))


def _refuse(_: object, title: str) -> str:
    return "" if title else "A conversation needs a title."
