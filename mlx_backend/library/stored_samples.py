"""A sample as the library has it, how queries find it, and the identity of a passage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlx_backend.library.notes import Passage

Choice = Literal["", "keep", "drop", "edited", "edited, dropped"]
"""The person's choice about a sample. "": none, so the filters decide. "edited, dropped": left out,
but if it is taken back, it has the person's words."""


@dataclass(frozen=True)
class StoredSample:
    """A sample in the library.

    writer: RULES, or the name of the base model that wrote it.
    dropped: the reason of the filter that dropped it, "" if none did.
    of_used_note: whether training uses its note at all, and the others.
    others: ids of further notes that it is about.
    """

    id: int
    note_id: int
    note_title: str
    writer: str
    kind: str
    prompt: str
    answer: str
    key: str
    quote: str
    dropped: str
    choice: Choice
    of_used_note: bool
    others: tuple[int, ...] = ()

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> StoredSample:
        """A sample from a row of a query that begins with SAMPLES."""
        notes = dict.fromkeys(note for note, _ in json.loads(row["others"]))
        return cls(**dict(row) | {"others": tuple(n for n in notes if n != row["note_id"])})

    @property
    def about(self) -> tuple[str, str, str]:
        """What it asks for, in which words: the identity of a sample when study writes it again."""
        return self.kind, self.key, self.quote

    @property
    def is_used(self) -> bool:
        """Whether training uses it with its note; the person's choice overrides the filters."""
        return self.choice in {"keep", "edited"} or (not self.choice and not self.dropped)

    @property
    def is_trained(self) -> bool:
        """Whether training uses it and its note."""
        return self.is_used and self.of_used_note


@dataclass(frozen=True)
class Yield:
    """Counts of samples: all, those used, and those dropped by reason."""

    written: int
    used: int
    dropped: dict[str, int]


OTHERS_USED = (
    "(others = '[]' OR NOT EXISTS (SELECT 1 FROM json_each(others) AS other"
    " LEFT JOIN notes AS its ON its.id = other.value ->> 0"
    " WHERE its.id IS NULL OR its.gone OR NOT its.included))"
)
"""The SQL condition that training uses all notes in `others`."""

SAMPLES = (
    "SELECT samples.id, note_id, notes.title AS note_title, writer, samples.kind, prompt, answer,"
    f" key, quote, dropped, choice, included AND NOT gone AND {OTHERS_USED} AS of_used_note,"
    " others"
    " FROM samples JOIN notes ON notes.id = note_id"
)
"""The beginning of a query whose rows are StoredSamples."""

USED = "(choice IN ('keep', 'edited') OR (choice = '' AND dropped = ''))"
"""The SQL condition for `StoredSample.is_used`."""

TRAINED = f"({USED} AND included AND NOT gone AND {OTHERS_USED})"
"""The SQL condition for `StoredSample.is_trained`, in a join with the notes."""


def digest(passage: Passage) -> bytes:
    """The identity of a passage: a hash (16 bytes) of its note's title, its heading and text."""
    taught = f"{passage.note_title}\0{passage.heading}\0{passage.text}"
    return hashlib.sha256(taught.encode()).digest()[:16]
