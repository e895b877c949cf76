"""The text of a note as training sees it: parts that are left out are cut, secrets are masked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.note_secrets import found_secrets
from mlx_backend.library.text_ranges import Ranges, decode_ranges, joined_ranges, kept_ranges
from mlx_backend.library.voices import ReplyRanges, decode_voices, reply_ranges
from mlx_backend.private_data.masking import mask_copies, mask_part

_TRAINING_NOTES = """
    SELECT id, title, text,
        (SELECT spans FROM heeded WHERE note_id = notes.id AND step = 'boilerplate') AS repeated,
        others.spans AS others, CASE WHEN others.spans IS NULL THEN NULL ELSE voices END AS voices,
        secret.spans AS secrets, secret.value AS kinds
    FROM notes
    LEFT JOIN heeded AS others ON others.note_id = notes.id AND others.step = 'authorship'
    LEFT JOIN findings AS secret ON secret.note_id = notes.id AND secret.step = 'secrets'
    WHERE included AND NOT gone
"""
TRAINING_NOTES = f"{_TRAINING_NOTES} ORDER BY path"
"""A query for the notes that training uses; its rows are the input of `TrainingText`."""

TRAINING_NOTE = f"{_TRAINING_NOTES} AND id = ?"
"""The same query for one note, by its id."""


@dataclass(frozen=True)
class Reply:
    """What someone said, and what the person answered; `name` is "" when the text names nobody."""

    name: str
    said: str
    answered: str


class TrainingText:
    """The text of one note as training sees it."""

    def __init__(self, row: sqlite3.Row, allowed: AllowedSecrets) -> None:
        others = decode_ranges(row["others"])
        self._text: str = row["text"]
        found = found_secrets(row["secrets"], row["kinds"])
        self._secrets = allowed.masked(row["id"], self._text, found)
        self._left_out = joined_ranges([*decode_ranges(row["repeated"]), *others])
        self._replies = tuple(reply_ranges(decode_voices(row["voices"]), others))

    def line(self, line: str) -> str:
        """A title or heading of the note, with the note's secrets masked."""
        return mask_copies(line, self._text, self._secrets)

    def piece(self, start: int, end: int) -> str:
        """What remains of the characters [start, end) of the note; "" when nothing does."""
        return self._join(kept_ranges(start, end, self._left_out), "\n\n")

    def replies(self, start: int, end: int) -> tuple[Reply, ...]:
        """The person's answers that begin within the characters [start, end)."""
        found = (e for e in self._replies if start <= e.answered[0][0] < end)
        return tuple(self._reply(ranges) for ranges in found)

    def _reply(self, ranges: ReplyRanges) -> Reply:
        return Reply(
            self.line(ranges.name),
            self._join(ranges.said, "\n").strip(),
            self._join(ranges.answered, "\n").strip(),
        )

    def _join(self, kept: Iterator[tuple[int, int]] | Ranges, between: str) -> str:
        pieces = [mask_part(self._text, self._secrets, first, last) for first, last in kept]
        if len(pieces) == 1:
            return pieces[0] if pieces[0].strip() else ""
        return between.join(piece.strip() for piece in pieces if piece.strip())
