"""Puts questions to those who are chosen: new ones, changed ones, and the same once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.chat.answerer import Manner
from app.chat.answerer_choice import AnswererChoice
from app.chat.exchanges import ShownAnswer
from app.chat.session import ChatSession
from mlx_backend.library.turns import Attachment
from mlx_backend.protocol import LONGEST_QUESTION


class Asking(QObject):
    """Asks only when `may_ask`; `manner` is how answers are given now."""

    begun = Signal()
    """A question is on its way: what went wrong before is of no interest any more."""

    def __init__(
        self,
        session: ChatSession,
        answerer: AnswererChoice,
        may_ask: Callable[[], bool],
        manner: Callable[[], Manner],
    ) -> None:
        super().__init__(session)
        self._session = session
        self._answerer = answerer
        self._may_ask = may_ask
        self._manner = manner

    def ask(self, question: str, attachments: tuple[Attachment, ...] = ()) -> bool:
        """Ask a question; returns whether it is on its way."""
        can_be_sent = len(question) <= LONGEST_QUESTION  # else the notice says so
        if not can_be_sent or self._session.is_busy or not self._may_ask():
            return False
        self.begun.emit()
        manner = self._with(attachments)
        answerers = self._answerer.answerers(manner.grounded)
        self._session.ask(question, answerers, manner, attachments)
        return True

    def ask_instead(self, index: int, question: str) -> bool:
        """Ask another question in place of the one of this index; whether it is on its way."""
        manner = self._manner_for(index)
        if manner is None:
            return False
        answerers = self._answerer.answerers(manner.grounded)
        self._session.ask_instead(index, question, answerers, manner)
        return True

    def again(self, index: int) -> None:
        """Ask a question once more."""
        self._again(index, self._manner_for(index))

    def from_memory(self, index: int) -> None:
        """Ask a question once more, this time without the notes."""
        manner = self._manner_for(index)
        self._again(index, replace(manner, grounded=False) if manner is not None else None)

    def go_on(self, index: int, answer: ShownAnswer) -> None:
        """Let an answer go on where it ended."""
        manner = self._manner_for(index)
        if manner is not None:
            answerer = self._answerer.answerer_of(answer.adapter)
            self._session.go_on(index, answer, answerer, replace(manner, grounded=False))

    def _again(self, index: int, manner: Manner | None) -> None:
        if manner is not None:
            self._session.retry(index, self._answerer.answerers(manner.grounded), manner)

    def _manner_for(self, index: int) -> Manner | None:
        """How to answer the question of this index; None where nothing may be asked now."""
        exchanges = self._session.exchanges
        if self._session.is_busy or index >= len(exchanges) or not self._may_ask():
            return None
        self.begun.emit()
        return self._with(exchanges[index].attachments)

    def _with(self, attachments: tuple[Attachment, ...]) -> Manner:
        """What is attached is read by the model, in place of the notes."""
        manner = self._manner()
        return replace(manner, grounded=manner.grounded and not attachments)
