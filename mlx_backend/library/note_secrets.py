"""The secrets found in notes, and which of them are masked in training."""

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
    """The secrets in one note; `digests` identify those in `found`, in the same order."""

    note_id: int
    text: str = field(repr=False)
    found: Sequence[PrivateSpan]
    masked: Sequence[PrivateSpan]
    digests: tuple[bytes, ...]

    @property
    def allowed(self) -> Sequence[PrivateSpan]:
        """The secrets that the person lets training see."""
        return [each for each in self.found if each not in self.masked]

    @property
    def sentence(self) -> str:
        """One or two sentences for the person on what is masked and what is not."""
        parts = [describe(self.masked)] if self.masked else []
        parts += [describe_allowed(self.allowed)] if self.allowed else []
        return " ".join(parts)

    def digests_of(self, spans: Sequence[PrivateSpan]) -> tuple[bytes, ...]:
        """The digests of some of the secrets in `found`."""
        pairs = zip(self.found, self.digests, strict=True)
        return tuple(digest for each, digest in pairs if each in spans)

    def values(self, spans: Iterable[PrivateSpan]) -> set[str]:
        """The text of the note at these places."""
        return {self.text[each.start : each.end] for each in spans}


def note_secrets(connection: sqlite3.Connection, note_id: int | None = None) -> list[NoteSecrets]:
    """The secrets of one note, or of every note that has any when `note_id` is None."""
    return list(_note_secrets(connection, note_id))


def found_secrets(spans: str | None, kinds: str | None) -> Sequence[PrivateSpan]:
    """The secrets that the columns `spans` and `value` of the step "secrets" hold."""
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
