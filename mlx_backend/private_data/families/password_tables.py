"""Tables with a column of passwords: in Markdown, and in the CSV that password managers export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlx_backend.private_data.families import password_words as words
from mlx_backend.private_data.likeness import looks_like_password
from mlx_backend.private_data.private_span import PrivateSpan
from mlx_backend.private_data.rules import Rule, Text

_HINTS = ("pass", "pw", "kennwort", "contraseña", "wachtwoord")
_NAME = re.compile(rf"[\s*_\"]*(?:{words.PASSWORD})[\s*_\"]*")
_SEPARATORS = ("|", "\t", ";", ",")
_LONGEST_HEAD = 400


@dataclass(frozen=True)
class _Head:
    separator: str
    columns: int
    password: int


@dataclass(frozen=True)
class _PasswordColumn:
    """The cells below a column header such as "Password", down to the next blank line."""

    kind: str

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        if not text.has(_HINTS):
            return
        head: _Head | None = None
        first = True
        place = 0
        for line in text.plain.splitlines(keepends=True):
            if not line.strip():
                head = None
            elif first:
                head = _head(text.folded[place : place + len(line)])
            elif head:
                yield from self._cell(line, place, head)
            first = not line.strip()
            place += len(line)

    def _cell(self, line: str, place: int, head: _Head) -> Iterator[PrivateSpan]:
        cells = line.split(head.separator)
        if len(cells) == head.columns:
            cell = cells[head.password]
            value = cell.strip(' \t\r\n"`*')
            if looks_like_password(value):
                before = sum(len(other) + 1 for other in cells[: head.password])
                start = place + before + cell.index(value)
                yield PrivateSpan(self.kind, start, start + len(value))


def _head(line: str) -> _Head | None:
    if len(line) > _LONGEST_HEAD or not any(hint in line for hint in _HINTS):
        return None
    for separator in _SEPARATORS:
        cells = line.split(separator)
        named = [place for place, cell in enumerate(cells) if _NAME.fullmatch(cell)]
        if len(named) == 1 and len(cells) > 1:
            return _Head(separator, len(cells), named[0])
    return None


PASSWORD_TABLES: tuple[Rule, ...] = (_PasswordColumn("password"),)
