"""Where the words of a Markdown text stand once it is formatted."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from app.text.qt_places import QtPlaces

_WORD = re.compile(r"[^\W_]+")
# More words than this take too long to compare.
_MOST_WORDS = 4_000


class WordPlaces:
    """The words of `written`, and where each is in `shown`, as Qt counts characters there."""

    def __init__(self, written: str, shown: str) -> None:
        self._texts = written, shown
        self._written = [found.span() for found in _WORD.finditer(written)]
        self._shown = [found.span() for found in _WORD.finditer(shown)]
        self._counted = QtPlaces(shown)
        self._pairs = self._paired(written, shown)

    def shown(self, start: int, end: int) -> tuple[int, int] | None:
        """Where the words of characters `start` to `end` are shown; None where none of them is.

        Punctuation after the last word is included.
        """
        pairs = [
            (word, self._shown[self._pairs[number]])
            for number, word in enumerate(self._written)
            if word[0] < end and word[1] > start and number in self._pairs
        ]
        if not pairs:
            return None
        (_, behind), (_, last) = pairs[-1]
        written, shown = self._texts
        while behind < end and shown[last : last + 1] == written[behind] != "\n":
            behind, last = behind + 1, last + 1
        return self._counted.in_qt(pairs[0][1][0]), self._counted.in_qt(last)

    def _paired(self, written: str, shown: str) -> dict[int, int]:
        if max(len(self._written), len(self._shown)) > _MOST_WORDS:
            return {}
        ours = [written[start:end] for start, end in self._written]
        theirs = [shown[start:end] for start, end in self._shown]
        if ours == theirs:
            return {number: number for number in range(len(ours))}
        blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
        return {block.a + n: block.b + n for block in blocks for n in range(block.size)}
