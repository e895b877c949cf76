"""Renaming adapters and conversations, and pinning these, with an undo."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from app.library.adapter_identity import another, identity_of
from app.library.undo_history import Step
from mlx_backend.library import Library
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.conversations import Conversation, Conversations

Renamed = Callable[[str, str], None]
"""Is told the old name and the new one, each time that a name changed."""


def adapter_rename(library: Library, old: str, new: str, renamed: Renamed) -> Step:
    """The step that calls an adapter by another name."""
    identities: list[str] = []

    def rename(db: sqlite3.Connection, before: str, after: str) -> str:
        identities[1:] = [identity_of(library, before)]
        if len(set(identities)) > 1:
            raise another(before)
        rename_adapter(library, db, before, after)
        return ""

    return Step(
        f"Rename “{new}”",
        f"“{old}” is called “{new}” now.",
        lambda db: rename(db, old, new),
        lambda db: rename(db, new, old),
        lambda forward: renamed(old, new) if forward else renamed(new, old),
    )


def conversation_rename(conversation: int, old: str, new: str, ends: Callable[[], None]) -> Step:
    """The step that gives a conversation another title."""

    def rename(db: sqlite3.Connection, title: str) -> str:
        Conversations(db).rename(conversation, title)
        return ""

    return Step(
        f"Rename “{new}”",
        f"“{old}” is called “{new}” now.",
        lambda db: rename(db, new),
        lambda db: rename(db, old),
        lambda _: ends(),
    )


def conversation_pin(conversation: Conversation, pinned: bool, ends: Callable[[], None]) -> Step:
    """The step that keeps a conversation at the top of the list, or no longer."""

    def pin(db: sqlite3.Connection, top: bool) -> str:
        Conversations(db).pin(conversation.id, top)
        return ""

    name, title = "Pin" if pinned else "Unpin", conversation.title
    return Step(
        f"{name} “{title}”",
        f"“{title}” stays at the top now." if pinned else f"“{title}” is not pinned any more.",
        lambda db: pin(db, pinned),
        lambda db: pin(db, not pinned),
        lambda _: ends(),
    )
