"""Folding: texts without case, accents and vowel points, to find words however they are written."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

POINTS = re.compile(
    "[\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u00ad\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
"""Marks that searches ignore: points of Hebrew and Arabic, soft hyphens, variation selectors."""

_VOICED = ("\u3099", "\u309a")  # they turn the letter before them into another one
_ACCENTS = re.compile("[\u0300-\u036f]")


def folded(text: str) -> str:
    """A text without case, accents and points: "Müller" becomes "muller", "Straße" "strasse"."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", POINTS.sub("", _ACCENTS.sub("", apart)))


def places(text: str, words: str) -> list[tuple[int, int]]:
    """The ranges [start, end) of characters in `text` that are the same as `words` when folded."""
    wanted = folded(words)
    if not wanted:
        return []
    here, starts = _with_starts(text)
    found = []
    at = here.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if _is_whole(here, starts, at, end):
            found.append((starts[at], starts[end]))
        at = here.find(wanted, end if found and found[-1][0] == starts[at] else at + 1)
    return found


def _with_starts(text: str) -> tuple[str, Sequence[int]]:
    """A text folded, and for each character of that the index of its origin in the text."""
    if text.isascii():
        return text.lower(), range(len(text) + 1)
    pieces = [_folded_character(character) for character in text]
    starts = [place for place, piece in enumerate(pieces) for _ in piece]
    return "".join(pieces), [*starts, len(text)]


@functools.lru_cache(maxsize=4096)
def _folded_character(character: str) -> str:
    return folded(character)


def _is_whole(here: str, starts: Sequence[int], at: int, end: int) -> bool:
    """Whether a match covers whole characters: not half of a folded "ß", nor the "か" in "が"."""
    is_begun = at > 0 and starts[at - 1] == starts[at]
    return not is_begun and starts[end - 1] != starts[end] and here[end : end + 1] not in _VOICED
