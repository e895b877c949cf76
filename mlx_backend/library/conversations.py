"""Conversations and their turns in the library."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.database import transaction
from mlx_backend.protocol import Citation

_TITLE_LENGTH = 60


@dataclass(frozen=True)
class Conversation:
    """A conversation for lists; `updated_at` is Unix time in seconds."""

    id: int
    title: str
    updated_at: float


@dataclass(frozen=True)
class StoredTurn:
    """A question or an answer in a conversation.

    `adapter` is the one that answered; None for the base model and for questions. `citations`
    are the passages that an answer rests on. `quote` is the text of a note when the answer is a
    quotation, "" when a model worded it. `from_notes`: the answer was quoted, without a model.
    `left_out` is the number of earliest questions that no longer fitted into the model's context.
    """

    role: Literal["user", "assistant"]
    text: str
    adapter: str | None
    citations: tuple[Citation, ...] = ()
    quote: str = ""
    from_notes: bool = False
    left_out: int = 0


class Conversations:
    """The conversations of a library, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def all(self) -> list[Conversation]:
        """All conversations, most recently updated first."""
        rows = self._db.execute(
            "SELECT id, title, updated_at FROM conversations ORDER BY updated_at DESC, id DESC"
        )
        return [Conversation(**row) for row in rows]

    def start(self, first_question: str) -> int:
        """Start an empty conversation, titled after its first question; returns its id."""
        title = " ".join(first_question.split())
        if len(title) > _TITLE_LENGTH:
            title = title[: _TITLE_LENGTH - 1].rstrip() + "…"
        now = time.time()
        cursor = self._db.execute(
            "INSERT INTO conversations (title, created_at, updated_at) VALUES (?, ?, ?)",
            (title, now, now),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def begin(self, first: StoredTurn) -> int:
        """Start a conversation with its first question, in one transaction; returns its id."""
        with transaction(self._db):
            conversation_id = self.start(first.text)
            self._append(conversation_id, first)
        return conversation_id

    def has(self, conversation_id: int) -> bool:
        """Whether a conversation with this id exists."""
        query = "SELECT 1 FROM conversations WHERE id = ?"
        return self._db.execute(query, (conversation_id,)).fetchone() is not None

    def add(self, conversation_id: int, turn: StoredTurn) -> None:
        """Append a turn. Raises OvernightError when the conversation has been deleted."""
        with transaction(self._db):
            self._append(conversation_id, turn)

    def _append(self, conversation_id: int, turn: StoredTurn) -> None:
        if not self.has(conversation_id):
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                "This conversation has been deleted.",
                "Restore it from the bin, or start a new one.",
            )
        now = time.time()
        columns = (turn.role, turn.text, turn.adapter, _encode_citations(turn), turn.quote)
        self._db.execute(
            "INSERT INTO turns (conversation_id, role, text, adapter, citations, quote,"
            " from_notes, left_out, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (conversation_id, *columns, turn.from_notes, turn.left_out, now),
        )
        self._db.execute(
            "UPDATE conversations SET updated_at = ? WHERE id = ?", (now, conversation_id)
        )

    def turns(self, conversation_id: int) -> Sequence[StoredTurn]:
        """The turns of a conversation, in order."""
        rows = self._db.execute(
            "SELECT role, text, adapter, citations, quote, from_notes, left_out FROM turns"
            " WHERE conversation_id = ? ORDER BY id",
            (conversation_id,),
        )
        return [
            StoredTurn(
                row["role"],
                row["text"],
                row["adapter"],
                _decode_citations(row["citations"]),
                row["quote"],
                bool(row["from_notes"]),
                row["left_out"],
            )
            for row in rows
        ]

    def rename(self, conversation_id: int, title: str) -> None:
        """Change a conversation's title. An empty title or an unknown id changes nothing."""
        if title.strip():
            self._db.execute(
                "UPDATE conversations SET title = ? WHERE id = ?",
                (" ".join(title.split()), conversation_id),
            )


def _encode_citations(turn: StoredTurn) -> str:
    return msgspec.json.encode(turn.citations).decode() if turn.citations else ""


def _decode_citations(citations: str) -> tuple[Citation, ...]:
    if not citations:
        return ()
    try:
        return msgspec.json.decode(citations, type=tuple[Citation, ...])
    except msgspec.DecodeError:
        return ()
