"""A conversation as a Markdown file: the branch that is on show."""

from __future__ import annotations

import re
import sqlite3
import time
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.library.conversations import Conversations
from mlx_backend.library.turns import StoredTurn

_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_LONGEST_NAME = 80
_BASE = "Base model"
_ENDED = {
    "length": "Cut off at the longest answer.",
    "cancelled": "Stopped.",
    "live": "Not finished.",
    "broken": "Not finished.",
}


def file_name(title: str) -> str:
    """A name for the file of a conversation with this title, good on every system."""
    plain = "".join(c for c in title if unicodedata.category(c) not in ("Cf", "Cs", "Co"))
    short = " ".join(_UNFIT.sub(" ", plain).split())[:_LONGEST_NAME].strip(" .")
    return f"{short or 'Conversation'}.md"


def export_conversation(db: sqlite3.Connection, conversation: int, path: Path) -> None:
    """Write a conversation to `path`. Raises OvernightError when it is gone, OSError when full."""
    title = next((c.title for c in Conversations(db).all() if c.id == conversation), None)
    if title is None:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "This conversation has been deleted.",
            "Restore it from the bin, then export it.",
        )
    text = as_markdown(title, Conversations(db).branch(conversation), time.time())
    write_atomically(path, text.encode("utf-8", "replace"))


def as_markdown(title: str, turns: Sequence[StoredTurn], now: float) -> str:
    """The turns of one branch as Markdown; `now` (Unix time) is when it is exported."""
    day = time.strftime("%Y-%m-%d", time.localtime(now))
    parts = [f"# {' '.join(title.split())}", f"*Exported from Overnight on {day}*"]
    for turn in turns:
        parts += _question(turn) if turn.role == "user" else _answer(turn)
    return "\n\n".join(parts) + "\n"


def _question(turn: StoredTurn) -> Iterator[str]:
    yield "## You"
    for attached in turn.attachments:
        yield f"*Attached: {attached.name}*"
    yield turn.text


def _answer(turn: StoredTurn) -> Iterator[str]:
    yield f"## {'From your notes' if turn.from_notes else turn.adapter or _BASE}"
    yield turn.quote or turn.text
    if turn.ended in _ENDED:
        yield f"*{_ENDED[turn.ended]}*"
    titles = dict.fromkeys(" ".join(each.title.split()) for each in turn.citations)
    if titles:
        yield f"*From: {', '.join(titles)}*"
