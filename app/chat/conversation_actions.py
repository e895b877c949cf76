"""What a person does with whole conversations: opens, deletes and renames them."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.chat.conversation_sidebar import ConversationSidebar
from app.chat.session import ChatSession
from app.library.deletions import Change
from app.library.renames import conversation_rename
from app.services import Services
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
        sidebar.chosen.connect(session.open)
        sidebar.delete_wanted.connect(self._delete)
        sidebar.rename_wanted.connect(self._rename)
        services.deletions.leaving.connect(self._let_go)
        services.deletions.changed.connect(self._take_change)

    def refresh(self) -> None:
        """Read the list of conversations again."""
        self._services.background.call(
            lambda db: Conversations(db).all(), self._sidebar.show_conversations
        )

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
