"""Questions and answers on their way to the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from app.chat.exchanges import ShownAnswer
from app.text.clean_text import clean
from mlx_backend.library.conversations import Conversations, StoredTurn


class Outbox:
    """Keeps answers in order until they are written, on the background's thread alone."""

    def __init__(self) -> None:
        self._turns: dict[int, list[StoredTurn]] = {}

    def put(self, conversation: int, answer: ShownAnswer) -> None:
        """Keep an answer until the next `write`."""
        self._turns.setdefault(conversation, []).append(_turn_of(answer))

    def holds(self, conversation: int) -> bool:
        """Whether an answer of a conversation is still to be written."""
        return bool(self._turns.get(conversation))

    def write(self, conversation: int, db: sqlite3.Connection) -> None:
        """Write the answers of a conversation; those that cannot be written are kept.

        So are the answers of a deleted conversation, in case it is restored.
        """
        turns = self._turns.get(conversation, [])
        while turns and Conversations(db).has(conversation):
            Conversations(db).add(conversation, turns[0])
            turns.pop(0)

    def read(self, conversation: int, db: sqlite3.Connection) -> Sequence[StoredTurn]:
        """All turns of a conversation, written or not; none of a deleted one."""
        written = Conversations(db).turns(conversation)
        return [*written, *self._turns.get(conversation, ())] if written else ()

    def store_question(
        self, conversation: int | None, question: str, db: sqlite3.Connection
    ) -> int:
        """Write a question, in a new conversation for None; returns the conversation's id."""
        turn = StoredTurn("user", question, None)
        if conversation is None:
            return Conversations(db).begin(turn)
        # A kept answer belongs before the question; after it, it would count as the answer to it.
        self.write(conversation, db)
        Conversations(db).add(conversation, turn)
        return conversation


def _turn_of(answer: ShownAnswer) -> StoredTurn:
    return StoredTurn(
        "assistant",
        clean(answer.text),
        answer.adapter,
        answer.citations,
        clean(answer.quote),
        answer.is_from_notes,
        answer.left_out,
    )
