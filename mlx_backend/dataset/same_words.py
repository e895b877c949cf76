"""Whether two pieces of a note hold the same words, however they are marked.

Rules quote statements in plain words; a model that reads quotes what stands in the note, with its
links, emphasis, line breaks and table bars.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mlx_backend.study.by_rule.statements import plain

_BAR = re.compile(r"(?<!\\)\|")


def has_words_of(text: str, quote: str) -> bool:
    """Whether a text has the words of a quote, in a row; of a table row, those of all its cells."""
    pieces = _pieces(quote)
    return bool(pieces) and all(piece in _words(text) for piece in pieces)


def overlap(one: str, other: str) -> bool:
    """Whether one of two pieces has the words of the other."""
    return has_words_of(one, other) or has_words_of(other, one)


@lru_cache(1 << 14)
def _words(text: str) -> str:
    """The words of a piece of Markdown with spaces around them."""
    words = re.findall(r"\w+", plain(text.replace("|", " ")))
    return f" {' '.join(words)} "


@lru_cache(1 << 14)
def _pieces(quote: str) -> tuple[str, ...]:
    """The words of a quote, or of each cell of a row."""
    is_row = quote.lstrip().startswith("|")
    found = (_words(piece) for piece in (_BAR.split(quote) if is_row else [quote]))
    return tuple(piece for piece in found if piece.strip())
