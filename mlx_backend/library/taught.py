"""What of a note is taught: without what is left out, and with what is private masked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.findings import kept_ranges, ranges_from_json
from mlx_backend.library.note_secrets import found_secrets
from mlx_backend.library.voices import Exchange, Ranges, decode_voices, exchanges
from mlx_backend.private_data.masking import mask_copies, mask_part

_TAUGHT = """
    SELECT id, title, text,
        (SELECT spans FROM heeded WHERE note_id = notes.id AND step = 'boilerplate') AS repeated,
        others.spans AS others, CASE WHEN others.spans IS NULL THEN NULL ELSE voices END AS voices,
        secret.spans AS secrets, secret.value AS kinds
    FROM notes
    LEFT JOIN heeded AS others ON others.note_id = notes.id AND others.step = 'authorship'
    LEFT JOIN findings AS secret ON secret.note_id = notes.id AND secret.step = 'secrets'
    WHERE included AND NOT gone
"""
TAUGHT = f"{_TAUGHT} ORDER BY path"
"""A query whose rows `TaughtNote` reads: the notes that training uses."""

TAUGHT_NOTE = f"{_TAUGHT} AND id = ?"
"""The same for one note, by its id."""


@dataclass(frozen=True)
class Reply:
    """What the person answered to what someone said; `name` is "" where nobody is named."""

    name: str
    said: str
    answered: str


class TaughtNote:
    """A note's text as training sees it."""

    def __init__(self, row: sqlite3.Row, allowed: AllowedSecrets) -> None:
        others = ranges_from_json(row["others"])
        self._text: str = row["text"]
        found = found_secrets(row["secrets"], row["kinds"])
        self._secrets = allowed.masked(row["id"], self._text, found)
        self._left_out = _merged([*ranges_from_json(row["repeated"]), *others])
        self._exchanges = tuple(exchanges(decode_voices(row["voices"]), others))

    def line(self, line: str) -> str:
        """A title or heading of the note."""
        return mask_copies(line, self._text, self._secrets)

    def piece(self, start: int, end: int) -> str:
        """What remains of [start, end); "" when nothing does."""
        return self._join(kept_ranges(start, end, self._left_out), "\n\n")

    def replies(self, start: int, end: int) -> tuple[Reply, ...]:
        """The person's answers that begin in [start, end)."""
        found = (e for e in self._exchanges if start <= e.answered[0][0] < end)
        return tuple(self._reply(exchange) for exchange in found)

    def _reply(self, exchange: Exchange) -> Reply:
        return Reply(
            self.line(exchange.name),
            self._join(exchange.said, "\n").strip(),
            self._join(exchange.answered, "\n").strip(),
        )

    def _join(self, kept: Iterator[tuple[int, int]] | Ranges, between: str) -> str:
        pieces = [mask_part(self._text, self._secrets, first, last) for first, last in kept]
        if len(pieces) == 1:
            return pieces[0] if pieces[0].strip() else ""
        return between.join(piece.strip() for piece in pieces if piece.strip())


def _merged(ranges: Sequence[tuple[int, int]]) -> Ranges:
    """Ranges in order and apart."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
