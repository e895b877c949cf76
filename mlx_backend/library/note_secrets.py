"""What is private in notes: all that was found, and what of it is masked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.voices import Ranges
from mlx_backend.private_data.finding import Finding
from mlx_backend.private_data.masking import describe, describe_allowed


@dataclass(frozen=True)
class NoteSecrets:
    """The findings in one note; `digests` stand for them in the person's decisions."""

    note_id: int
    text: str = field(repr=False)
    found: Sequence[Finding]
    masked: Sequence[Finding]
    digests: tuple[bytes, ...]

    @property
    def allowed(self) -> Sequence[Finding]:
        """What the person lets training see."""
        return [each for each in self.found if each not in self.masked]

    @property
    def sentence(self) -> str:
        """What becomes of them, for the person."""
        parts = [describe(self.masked)] if self.masked else []
        parts += [describe_allowed(self.allowed)] if self.allowed else []
        return " ".join(parts)

    def digests_of(self, findings: Sequence[Finding]) -> tuple[bytes, ...]:
        """What stands for some of the findings."""
        pairs = zip(self.found, self.digests, strict=True)
        return tuple(digest for each, digest in pairs if each in findings)

    def values(self, findings: Iterable[Finding]) -> set[str]:
        """What the note says there."""
        return {self.text[each.start : each.end] for each in findings}


def note_secrets(connection: sqlite3.Connection, note_id: int | None = None) -> list[NoteSecrets]:
    """The secrets of each note that has some, or of one note."""
    return list(_note_secrets(connection, note_id))


def found_secrets(spans: str | None, kinds: str | None) -> Sequence[Finding]:
    """The findings of the step that looks for secrets, as their columns hold them."""
    if not spans or not kinds:
        return ()
    found = zip(kinds.split(";"), msgspec.json.decode(spans, type=Ranges), strict=True)
    return [Finding(kind, start, end) for kind, (start, end) in found]


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
