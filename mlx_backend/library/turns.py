"""The turns of a conversation as the library stores them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import msgspec

from mlx_backend.protocol import Citation

Ended = Literal["stop", "length", "cancelled", "live", "broken"]
"""Why an answer ended; "live" while it is given, "broken" where the window went meanwhile."""

COLUMNS = (
    "role, text, adapter, citations, quote, from_notes, left_out, parent, ended, seed,"
    " attachments, looked_up"
)

_T = TypeVar("_T")


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file or a note that a question is about, with as much of its text as is told the model.

    note: the id of the note, 0 for a file. characters: the length of the whole text.
    """

    name: str
    text: str
    characters: int
    path: str = ""
    note: int = 0

    @property
    def is_cut(self) -> bool:
        """Whether only its beginning is told."""
        return len(self.text) < self.characters


@dataclass(frozen=True)
class StoredTurn:
    """A question or an answer in a conversation.

    `adapter` is the one that answered; None for the base model and for questions. `citations`
    are the passages that an answer rests on. `quote` is the text of a note when the answer is a
    quotation, "" when a model worded it. `from_notes`: the answer was quoted, without a model.
    `left_out` is the number of earliest questions that no longer fitted into the model's context.
    `seed` is what its tokens were sampled with; None where that is not known. `looked_up` are
    passages that were found and not used.

    `id` is 0 before it is stored. `parent` of a question is the id of the question that it
    follows, 0 for none; of an answer, that of its question; None is the last question before it.
    """

    role: Literal["user", "assistant"]
    text: str
    adapter: str | None
    citations: tuple[Citation, ...] = ()
    quote: str = ""
    from_notes: bool = False
    left_out: int = 0
    ended: Ended = "stop"
    seed: int | None = None
    attachments: tuple[Attachment, ...] = ()
    looked_up: tuple[Citation, ...] = ()
    parent: int | None = field(default=None, compare=False)
    id: int = field(default=0, compare=False)


def values_of(turn: StoredTurn) -> tuple[object, ...]:
    """What `COLUMNS` get."""
    return (
        turn.role,
        turn.text,
        turn.adapter,
        _encode(turn.citations),
        turn.quote,
        turn.from_notes,
        turn.left_out,
        turn.parent,
        turn.ended,
        turn.seed,
        _encode(turn.attachments),
        _encode(turn.looked_up),
    )


def turn_of(row: sqlite3.Row) -> StoredTurn:
    """The turn in a row with `COLUMNS` and `id`."""
    return StoredTurn(
        row["role"],
        row["text"],
        row["adapter"],
        _decode(row["citations"], Citation),
        row["quote"],
        bool(row["from_notes"]),
        row["left_out"],
        row["ended"],
        row["seed"],
        _decode(row["attachments"], Attachment),
        _decode(row["looked_up"], Citation),
        row["parent"],
        row["id"],
    )


def _encode(of: Sequence[msgspec.Struct]) -> str:
    return msgspec.json.encode(of).decode() if of else ""


def _decode(encoded: str, kind: type[_T]) -> tuple[_T, ...]:
    if not encoded:
        return ()
    try:
        return msgspec.json.decode(encoded, type=tuple[kind, ...])  # type: ignore[valid-type]
    except msgspec.DecodeError:
        return ()
