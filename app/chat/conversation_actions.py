"""What a person does with whole conversations: opens, deletes and renames them."""

from __future__ import annotations

import functools

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QDrag

from app.chat.conversation_files import ConversationFiles
from app.chat.conversation_sidebar import ConversationSidebar
from app.chat.session import ChatSession
from app.library.deletions import Change
from app.library.renames import conversation_pin, conversation_rename
from app.services import Services
from app.style import Size
from app.widgets import icons
from mlx_backend.library.conversations import Conversation, Conversations


class ConversationActions(QObject):
    """Carries out what the sidebar asks for, and keeps the open conversation in step."""

    def __init__(
        self,
        services: Services,
        session: ChatSession,
        sidebar: ConversationSidebar,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._session = session
        self._sidebar = sidebar
        self._words = ""
        self._looks = 0
        self.files = ConversationFiles(services.background, services.history.said.emit, sidebar)
        sidebar.chosen.connect(session.open)
        sidebar.delete_wanted.connect(self._delete)
        sidebar.rename_wanted.connect(self._rename)
        sidebar.pin_wanted.connect(self._pin)
        sidebar.export_wanted.connect(self.files.export)
        sidebar.pressed.connect(self.files.prepare)
        sidebar.dragged.connect(self._drag)
        sidebar.words_changed.connect(self._find)
        services.deletions.leaving.connect(self._let_go)
        services.deletions.changed.connect(self._take_change)

    def refresh(self) -> None:
        """Read the list of conversations again."""
        self._looks += 1
        words = self._words
        take = functools.partial(self._take, self._looks)
        self._services.background.call(lambda db: Conversations(db).find(words), take)

    def _take(self, look: int, conversations: list[Conversation]) -> None:
        if look == self._looks:
            self._sidebar.show_conversations(conversations)

    def _find(self, words: str) -> None:
        self._words = words
        self.refresh()

    def _pin(self, conversation: Conversation, pinned: bool) -> None:
        self._services.history.do(conversation_pin(conversation, pinned, self.refresh))

    def _drag(self, conversation: Conversation) -> None:
        data = self.files.data(conversation)
        if data is not None:
            drag = QDrag(self._sidebar.view)
            drag.setMimeData(data)
            ratio = self._sidebar.devicePixelRatioF()
            role = self._sidebar.foregroundRole()
            drag.setPixmap(icons.pixmap("notes", Size.BIG_ICON, role, ratio))
            drag.exec(Qt.DropAction.CopyAction)

    def _delete(self, conversation: Conversation) -> None:
        self._services.deletions.delete("conversation", [conversation.id], conversation.title)

    def _let_go(self, change: Change) -> None:
        if change.kind == "conversation":
            for conversation in change.keys:
                self._session.let_go(int(conversation))

    def _take_change(self, change: Change) -> None:
        if change.kind == "conversation":
            if change.is_back:
                self._take_back(change)
            self.refresh()

    def _take_back(self, change: Change) -> None:
        for conversation in change.keys:
            self._session.take_back(int(conversation))
        if change.keys:
            self._session.open(int(change.keys[-1]))

    def _rename(self, conversation: Conversation, title: str) -> None:
        step = conversation_rename(conversation.id, conversation.title, title, self.refresh)
        self._services.history.do(step)
