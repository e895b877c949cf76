"""Which words of code have a colour, as Pygments' lexer of the language tells."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

# Limits of the time that colouring takes; the rest of long code stays plain.
_LONGEST = 20_000
_MOST_S = 0.03


class Ink(Enum):
    """The kinds of words that have a colour."""

    KEYWORD = auto()
    NAME = auto()
    STRING = auto()
    NUMBER = auto()
    COMMENT = auto()


Run = tuple[int, int, Ink]
"""Where in a line the colour begins and how far it goes, as Qt counts characters."""


def inks_of(code: str, language: str) -> list[list[Run]]:
    """The coloured runs of each line; none where the language is not known."""
    lines: list[list[Run]] = [[] for _ in range(code.count("\n") + 1)]
    number = column = 0
    for ink, text in _words(code[:_LONGEST], language):
        for place, piece in enumerate(text.split("\n")):
            if place:
                number, column = number + 1, 0
            length = _length(piece)
            if ink is not None and length:
                lines[number].append((column, length, ink))
            column += length
    return lines


def _words(code: str, language: str) -> Iterator[tuple[Ink | None, str]]:
    lexer = _lexer(language) if language else None
    if lexer is None:
        return
    until = time.monotonic() + _MOST_S
    for _, token, text in lexer.get_tokens_unprocessed(code):
        yield _ink(tuple(token)), text
        if time.monotonic() > until:
            return


@functools.lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    # Imported when the first code is shown, which may be never.
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


def _ink(token: tuple[str, ...]) -> Ink | None:
    for end in range(len(token), 0, -1):
        if token[:end] in _INKS:
            return _INKS[token[:end]]
    return None


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


_INKS: dict[tuple[str, ...], Ink] = {
    ("Comment",): Ink.COMMENT,
    ("Generic", "Deleted"): Ink.NAME,
    ("Generic", "Heading"): Ink.KEYWORD,
    ("Generic", "Inserted"): Ink.STRING,
    ("Generic", "Subheading"): Ink.KEYWORD,
    ("Keyword",): Ink.KEYWORD,
    ("Literal", "Number"): Ink.NUMBER,
    ("Literal", "String"): Ink.STRING,
    ("Name", "Attribute"): Ink.NAME,
    ("Name", "Builtin"): Ink.NAME,
    ("Name", "Class"): Ink.NAME,
    ("Name", "Decorator"): Ink.NAME,
    ("Name", "Exception"): Ink.NAME,
    ("Name", "Function"): Ink.NAME,
    ("Name", "Tag"): Ink.KEYWORD,
    ("Operator", "Word"): Ink.KEYWORD,
}
