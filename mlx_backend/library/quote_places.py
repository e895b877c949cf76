"""Finding a quote, which has no markup, in the text of its note."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+")
# What study leaves out of a quote: signs, line breaks, targets of links, numbers of list items.
# Possessive quantifiers, because a malicious note could make backtracking take exponential time.
_SIGNS = r"(?:\]\([^)\s]{0,500}\)|\[\[[^\]|\[]{0,200}\||[\W_])++"
_BETWEEN = rf"{_SIGNS}(?:\d++{_SIGNS}){{0,2}}?"
# Signs next to the first and the last word, among them the target of a link.
_AHEAD = re.compile(r"(?:\[\[[^\]|\[\n]{0,200}\||[^\w\s]|_)+\Z")
_BEHIND = re.compile(r"(?:\]\([^)\s]{0,500}\)|[^\w\s]|_)*+")
_FURTHEST = 240


def place_of(quote: str, text: str) -> tuple[int, int] | None:
    """The range [start, end) of `text`, in characters, with the words of `quote` in order.

    Markup and line breaks between them do not count. A quote may join sentences that are apart in
    the text: then the first that is found. None if none is.
    """
    for words in _to_look_for(quote):
        found = _place_of_words(words, text)
        if found:
            return found
    return None


def verbatim(quote: str, texts: Sequence[str]) -> str:
    """A quote as one of `texts` has it, with its markup and line breaks.

    Its sentences are looked for one by one if they are not together. What is found nowhere, as the
    statement of a table's row, remains as it is.
    """
    pieces = [quote.strip()]
    if _as_written(quote, texts) is None:
        pieces = _SENTENCE_END.split(quote.strip())
    return " ".join(_as_written(piece, texts) or piece for piece in pieces)


def place_as_written(quote: str, text: str, begin: int = 0) -> tuple[int, int] | None:
    """As `place_of`, with the signs of markup next to the first and the last word.

    The sentences of the quote have to be together. begin: where in `text` to look from.
    """
    words = _WORD.findall(quote)
    found = _place_of_words(words, text, begin) if words else None
    if found is None:
        return None
    start, end = found
    ahead = _AHEAD.search(text, max(begin, start - _FURTHEST), start)
    behind = _BEHIND.match(text, end)
    return ahead.start() if ahead else start, behind.end() if behind else end


def _as_written(quote: str, texts: Sequence[str]) -> str | None:
    for text in texts:
        if found := place_as_written(quote, text):
            return text[found[0] : found[1]]
    return None


def _place_of_words(words: Sequence[str], text: str, begin: int = 0) -> tuple[int, int] | None:
    pattern = _BETWEEN.join(re.escape(word) for word in words)
    whole = re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", re.IGNORECASE)
    found = whole.search(text, begin)
    return found.span() if found else None


def _to_look_for(quote: str) -> Iterator[list[str]]:
    for piece in dict.fromkeys((quote.strip(), *_SENTENCE_END.split(quote.strip()))):
        if words := _WORD.findall(piece):
            yield words
