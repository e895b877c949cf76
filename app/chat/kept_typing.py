"""Keeps what is typed, attached and set in step with the conversation that is open."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from app.chat.attaching import Attaching
from app.chat.details_panel import DetailsPanel
from app.chat.drafts_and_choices import DraftsAndChoices
from app.chat.question_field import QuestionField
from app.chat.session import ChatSession
from app.library.preferences import Preferences
from mlx_backend.library.conversations import ConversationSettings
from mlx_backend.library.turns import Attachment


class KeptTyping(QObject):
    """Each conversation has a draft, attachments and settings of its own, also the new one."""

    def __init__(
        self,
        session: ChatSession,
        remembered: DraftsAndChoices,
        field: QuestionField,
        attaching: Attaching,
    ) -> None:
        super().__init__(session)
        self._session = session
        self._remembered = remembered
        self._field = field
        self._attaching = attaching
        self._handed_over: tuple[Attachment, ...] = ()
        self._show_details: Callable[[], None] = lambda: None
        attaching.changed.connect(self.keep_attached)

    def follow_details(self, details: DetailsPanel, preferences: Preferences) -> None:
        """Let the person set things for the conversation in this panel."""

        def show() -> None:
            details.show_settings(self._session.settings, preferences.settings)

        self._show_details = show
        details.changed.connect(self._set)
        preferences.changed.connect(show)

    def show_opened(self) -> None:
        """Another conversation is open: show what is kept for it."""
        conversation = self._session.conversation
        self._remembered.set_conversation(conversation)
        self._field.set_draft(self._remembered.draft(conversation))
        self._attaching.show_attached(self._remembered.attached(conversation))
        if conversation is None:
            self._session.change_settings(self._remembered.settings)
        self._show_details()

    def hand_on(self) -> None:
        """The new conversation has its id now; what was typed meanwhile belongs to it."""
        conversation = self._session.conversation
        self._remembered.set_draft(None, "")
        self._remembered.set_draft(conversation, self._field.draft())
        self._remembered.set_attached(None, ())
        self._remembered.set_attached(conversation, self._attaching.attached)
        self._remembered.set_settings(ConversationSettings())
        self._remembered.set_conversation(conversation)

    def keep_typed(self) -> None:
        """Keep what is in the field."""
        self._remembered.set_draft(self._session.conversation, self._field.draft())

    def keep_attached(self) -> None:
        """Keep what is attached."""
        self._remembered.set_attached(self._session.conversation, self._attaching.attached)

    def hand_over_attached(self) -> None:
        """What was attached went with a question; it comes back if that cannot be stored."""
        self._handed_over = self._attaching.attached
        self._attaching.show_attached(())
        self.keep_attached()

    def give_back(self, conversation: int | None, question: str) -> None:
        """Put a question back that could not be asked, before what was typed since."""
        if not question:
            return  # it was asked before, and is still there
        if conversation == self._session.conversation:
            self._field.give_back(question)
            self._attaching.show_attached((*self._handed_over, *self._attaching.attached))
            self.keep_attached()
        else:
            since = self._remembered.draft(conversation)
            self._remembered.set_draft(conversation, f"{question}\n\n{since}".strip())

    def _set(self, settings: ConversationSettings) -> None:
        self._session.change_settings(settings)
        if self._session.conversation is None:
            self._remembered.set_settings(settings)
