"""What is private in notes: all that was found, and what of it is masked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.text_ranges import decode_ranges
from mlx_backend.private_data.masking import describe, describe_allowed
from mlx_backend.private_data.private_span import PrivateSpan


@dataclass(frozen=True)
class NoteSecrets:
    """The findings in one note; `digests` stand for them in the person's decisions."""

    note_id: int
    text: str = field(repr=False)
    found: Sequence[PrivateSpan]
    masked: Sequence[PrivateSpan]
    digests: tuple[bytes, ...]

    @property
    def allowed(self) -> Sequence[PrivateSpan]:
        """What the person lets training see."""
        return [each for each in self.found if each not in self.masked]

    @property
    def sentence(self) -> str:
        """What becomes of them, for the person."""
        parts = [describe(self.masked)] if self.masked else []
        parts += [describe_allowed(self.allowed)] if self.allowed else []
        return " ".join(parts)

    def digests_of(self, findings: Sequence[PrivateSpan]) -> tuple[bytes, ...]:
        """What stands for some of the findings."""
        pairs = zip(self.found, self.digests, strict=True)
        return tuple(digest for each, digest in pairs if each in findings)

    def values(self, findings: Iterable[PrivateSpan]) -> set[str]:
        """What the note says there."""
        return {self.text[each.start : each.end] for each in findings}


def note_secrets(connection: sqlite3.Connection, note_id: int | None = None) -> list[NoteSecrets]:
    """The secrets of each note that has some, or of one note."""
    return list(_note_secrets(connection, note_id))


def found_secrets(spans: str | None, kinds: str | None) -> Sequence[PrivateSpan]:
    """The findings of the step that looks for secrets, as their columns hold them."""
    if not spans or not kinds:
        return ()
    found = zip(kinds.split(";"), decode_ranges(spans), strict=True)
    return [PrivateSpan(kind, start, end) for kind, (start, end) in found]


def _note_secrets(connection: sqlite3.Connection, note_id: int | None) -> Iterator[NoteSecrets]:
    allowed = AllowedSecrets(connection)
    for row in connection.execute(
        "SELECT id, text, spans, value FROM findings JOIN notes ON notes.id = note_id"
        " WHERE step = 'secrets' AND note_id = coalesce(?, note_id)",
        (note_id,),
    ):
        if found := found_secrets(row["spans"], row["value"]):
            yield NoteSecrets(
                row["id"],
                row["text"],
                found,
                allowed.masked(row["id"], row["text"], found),
                allowed.digests(row["id"], row["text"], found),
            )
