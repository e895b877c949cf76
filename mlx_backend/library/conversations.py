"""Conversations and their turns in the library."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.branches import branch_of
from mlx_backend.library.database import transaction
from mlx_backend.library.notes import match_query
from mlx_backend.library.turns import COLUMNS, Attachment, StoredTurn, turn_of, values_of

__all__ = ["Attachment", "Conversation", "ConversationSettings", "Conversations", "StoredTurn"]

_TITLE_LENGTH = 60
_LIST = "SELECT id, title, updated_at, pinned FROM conversations"
_ORDER = "ORDER BY pinned DESC, updated_at DESC, id DESC"


@dataclass(frozen=True)
class Conversation:
    """A conversation for lists; `updated_at` is Unix time in seconds."""

    id: int
    title: str
    updated_at: float
    pinned: bool = False


class ConversationSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one conversation has set for itself; None is as everywhere.

    system: what the model is told before all turns, "" for the usual.
    """

    system: str = ""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None


_AS_USUAL = ConversationSettings()


class Conversations:
    """The conversations of a library, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def all(self) -> list[Conversation]:
        """All conversations: pinned ones first, then the most recently updated."""
        return self._listed(f"{_LIST} {_ORDER}", ())

    def find(self, words: str) -> list[Conversation]:
        """Those with these words in their title, or in one of their turns; all for no words."""
        query = match_query(words)
        if not query:
            return self.all()
        return self._listed(
            f"{_LIST} WHERE id IN (SELECT rowid FROM titles_index WHERE titles_index MATCH ?)"
            " OR id IN (SELECT conversation_id FROM turns WHERE id IN"
            f" (SELECT rowid FROM turns_index WHERE turns_index MATCH ?)) {_ORDER}",
            (query, query),
        )

    def _listed(self, query: str, values: tuple[str, ...]) -> list[Conversation]:
        return [
            Conversation(row["id"], row["title"], row["updated_at"], bool(row["pinned"]))
            for row in self._db.execute(query, values)
        ]

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
        return self.begin_as(first)[0]

    def begin_as(
        self, first: StoredTurn, settings: ConversationSettings = _AS_USUAL
    ) -> tuple[int, int]:
        """Start a conversation with settings of its own, otherwise as `begin`.

        Returns the id of the conversation and that of the question.
        """
        with transaction(self._db):
            conversation_id = self.start(first.text)
            turn_id = self._append(conversation_id, first)
            self.change_settings(conversation_id, settings)
        return conversation_id, turn_id

    def has(self, conversation_id: int) -> bool:
        """Whether a conversation with this id exists."""
        query = "SELECT 1 FROM conversations WHERE id = ?"
        return self._db.execute(query, (conversation_id,)).fetchone() is not None

    def add(self, conversation_id: int, turn: StoredTurn) -> int:
        """Add a turn; returns its id. A question becomes the last one on show.

        Raises OvernightError when the conversation has been deleted.
        """
        with transaction(self._db):
            return self._append(conversation_id, turn)

    def save(self, conversation_id: int, turn: StoredTurn) -> int:
        """Add a turn, or where it has an id, store it as it is now; returns its id.

        Raises OvernightError when the conversation has been deleted.
        """
        if not turn.id:
            return self.add(conversation_id, turn)
        columns = ", ".join(f"{name.strip()} = ?" for name in COLUMNS.split(","))
        with transaction(self._db):
            self._touch(conversation_id)
            self._db.execute(
                f"UPDATE turns SET {columns} WHERE id = ?", (*values_of(turn), turn.id)
            )
        return turn.id

    def end_live(self) -> None:
        """Mark answers as broken that were being given when their window went away."""
        self._db.execute("UPDATE turns SET ended = 'broken' WHERE ended = 'live'")

    def _append(self, conversation_id: int, turn: StoredTurn) -> int:
        now = self._touch(conversation_id)
        marks = ", ".join("?" * len(COLUMNS.split(",")))
        cursor = self._db.execute(
            f"INSERT INTO turns (conversation_id, {COLUMNS}, at) VALUES (?, {marks}, ?)",
            (conversation_id, *values_of(turn), now),
        )
        assert cursor.lastrowid is not None
        if turn.role == "user":
            self.show(conversation_id, cursor.lastrowid)
        return cursor.lastrowid

    def _touch(self, conversation_id: int) -> float:
        now = time.time()
        changed = self._db.execute(
            "UPDATE conversations SET updated_at = ? WHERE id = ?", (now, conversation_id)
        )
        if not changed.rowcount:
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                "This conversation has been deleted.",
                "Restore it from the bin, or start a new one.",
            )
        return now

    def turns(self, conversation_id: int) -> Sequence[StoredTurn]:
        """The turns of all branches of a conversation, in the order in which they were said."""
        rows = self._db.execute(
            f"SELECT id, {COLUMNS} FROM turns WHERE conversation_id = ? ORDER BY id",
            (conversation_id,),
        )
        return [turn_of(row) for row in rows]

    def branch(self, conversation_id: int) -> list[StoredTurn]:
        """The turns of the branch on show: each question, and then its answers."""
        return branch_of(self.turns(conversation_id), self.shown(conversation_id))

    def shown(self, conversation_id: int) -> int | None:
        """The last question of the branch on show; None for the newest."""
        row = self._db.execute(
            "SELECT shown FROM conversations WHERE id = ?", (conversation_id,)
        ).fetchone()
        return None if row is None else row["shown"]

    def show(self, conversation_id: int, question: int) -> None:
        """Show the branch to this question from now on."""
        self._db.execute(
            "UPDATE conversations SET shown = ? WHERE id = ?", (question, conversation_id)
        )

    def settings(self, conversation_id: int) -> ConversationSettings:
        """What a conversation has set for itself."""
        row = self._db.execute(
            "SELECT settings FROM conversations WHERE id = ?", (conversation_id,)
        ).fetchone()
        try:
            return msgspec.json.decode(row["settings"], type=ConversationSettings)
        except (TypeError, msgspec.DecodeError):
            return ConversationSettings()

    def change_settings(self, conversation_id: int, settings: ConversationSettings) -> None:
        """Set these for a conversation."""
        self._db.execute(
            "UPDATE conversations SET settings = ? WHERE id = ?",
            (msgspec.json.encode(settings).decode(), conversation_id),
        )

    def pin(self, conversation_id: int, pinned: bool) -> None:
        """Keep a conversation at the top of the list, or no longer."""
        self._db.execute(
            "UPDATE conversations SET pinned = ? WHERE id = ?", (pinned, conversation_id)
        )

    def rename(self, conversation_id: int, title: str) -> None:
        """Change a conversation's title. An empty title or an unknown id changes nothing."""
        if title.strip():
            self._db.execute(
                "UPDATE conversations SET title = ? WHERE id = ?",
                (" ".join(title.split()), conversation_id),
            )
