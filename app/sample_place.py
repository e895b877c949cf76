"""Where in a note the words stand that bear a sample out."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+")
# What study leaves out of a quote: signs and breaks, where a link leads, the number of an item.
# Possessive, as a note made to be slow to search would be otherwise.
_SIGNS = r"(?:\]\([^)\s]{0,500}\)|\[\[[^\]|\[]{0,200}\||[\W_])++"
_BETWEEN = rf"{_SIGNS}(?:\d++{_SIGNS}){{0,2}}?"


def place_of(quote: str, text: str) -> tuple[int, int] | None:
    """Where `text` has the words of `quote` in their order, its markup and line breaks aside.

    A quote may be joined of sentences that do not stand beside each other: then the first of them
    that is there. None where there is none.
    """
    for words in _to_look_for(quote):
        pattern = _BETWEEN.join(re.escape(word) for word in words)
        found = re.search(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", text, re.IGNORECASE)
        if found:
            return found.span()
    return None


def _to_look_for(quote: str) -> Iterator[list[str]]:
    for piece in dict.fromkeys((quote.strip(), *_SENTENCE_END.split(quote.strip()))):
        if words := _WORD.findall(piece):
            yield words
