"""Questions and answers on their way to the database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.chat.exchanges import ShownAnswer, turn_of
from mlx_backend.library.conversations import Conversations, ConversationSettings
from mlx_backend.library.judgements import Judgement, Judgements
from mlx_backend.library.turns import StoredTurn


@dataclass(frozen=True)
class OpenedConversation:
    """All of a conversation; without turns, it was deleted. What is not stored has negative ids."""

    turns: Sequence[StoredTurn]
    shown: int | None
    settings: ConversationSettings
    judgements: dict[int, Judgement]


class Outbox:
    """Keeps answers until they are written; the background's thread alone writes.

    An answer that grows is put again and again under its key: what counts is how it is now.
    """

    def __init__(self) -> None:
        self._turns: dict[int, dict[str, StoredTurn]] = {}
        self._ids: dict[str, int] = {}
        self._untold: dict[int, dict[str, int]] = {}
        self._lock = threading.Lock()

    def put(self, conversation: int, key: str, question: int, answer: ShownAnswer) -> None:
        """Keep an answer to a question, by its id, until the next `write`."""
        with self._lock:
            self._turns.setdefault(conversation, {})[key] = turn_of(answer, question)

    def holds(self, conversation: int) -> bool:
        """Whether an answer of a conversation is still to be written."""
        return bool(self._turns.get(conversation))

    def write(self, conversation: int, db: sqlite3.Connection) -> dict[str, int]:
        """Write the answers of a conversation; those that cannot be written are kept.

        So are the answers of a deleted conversation, in case it is restored. Returns the ids of
        what was written since the last time, by key.
        """
        self._write(conversation, db)
        return self._untold.pop(conversation, {})

    def _write(self, conversation: int, db: sqlite3.Connection) -> None:
        for key, turn in list(self._turns.get(conversation, {}).items()):
            if not Conversations(db).has(conversation):
                break
            known = turn.id or self._ids.get(key, 0)
            self._ids[key] = Conversations(db).save(conversation, replace(turn, id=known))
            self._untold.setdefault(conversation, {})[key] = self._ids[key]
            with self._lock:
                if self._turns[conversation].get(key) is turn:
                    del self._turns[conversation][key]

    def read(self, conversation: int, db: sqlite3.Connection) -> OpenedConversation:
        """All of a conversation, written or not; no turns of a deleted one."""
        talks = Conversations(db)
        turns = list(talks.turns(conversation))
        if turns:
            with self._lock:
                waiting = list(self._turns.get(conversation, {}).items())
            known = [replace(t, id=t.id or self._ids.get(key, 0)) for key, t in waiting]
            late = {turn.id: turn for turn in known if turn.id}
            turns = [late.get(turn.id, turn) for turn in turns]
            new = [turn for turn in known if not turn.id]
            turns += [replace(turn, id=-n) for n, turn in enumerate(new, start=1)]
        judged = Judgements(db).of([turn.id for turn in turns if turn.role == "assistant"])
        shown, settings = talks.shown(conversation), talks.settings(conversation)
        return OpenedConversation(turns, shown, settings, judged)

    def store_question(
        self,
        conversation: int | None,
        question: StoredTurn,
        settings: ConversationSettings,
        db: sqlite3.Connection,
    ) -> tuple[int, int]:
        """Write a question, in a new conversation with these settings for None.

        Returns the ids of the conversation and of the question.
        """
        talks = Conversations(db)
        if conversation is None:
            return talks.begin_as(question, settings)
        self._write(conversation, db)  # what was said before the question
        return conversation, talks.add(conversation, question)
