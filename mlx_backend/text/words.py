"""Splitting texts into words and counting them, also in scripts without spaces."""

from __future__ import annotations

import re
import unicodedata

# Each Chinese, Japanese or Korean syllable counts as a word: it says about as much as one.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"

WORD = re.compile(rf"[{_UNSPACED}]\s*|[^\s{_UNSPACED}]+\s*")
"""A word, with the white space that follows it."""

# Joiners, direction marks and the tags of flags are invisible, but they change what stands beside
# them: without joiners the emoji of a family becomes its members, and a Persian word two words.
_UNSEEN = re.compile("[\u061c\u200b-\u200f\U000e0020-\U000e007f]+")
_LONGEST_WORD = 100  # characters

_LETTERS = re.compile(r"[^\W_]+")


def count_words(text: str) -> int:
    """The number of words in a text."""
    return sum(1 for _ in WORD.finditer(text))


def printable(text: str) -> str:
    """A text with a blank for each unprintable character; "" if all of it is invisible."""
    if not _UNSEEN.sub("", text).strip():
        return ""
    return "".join(c if c.isprintable() or _UNSEEN.match(c) else " " for c in text)


def end_of(text: str, most: int) -> str:
    """The last `most` words of a text, joined by blanks; at most 100 characters for each."""
    tail = text[-most * _LONGEST_WORD :]
    return " ".join(tail.split()[-most:])


def bare_words(text: str) -> list[str]:
    """The runs of letters and digits in a text, in order, in Unicode's composed form (NFC).

    "json_each" is two words, as it is for FTS5.
    """
    return _LETTERS.findall(unicodedata.normalize("NFC", text))


def folded_words(text: str) -> list[str]:
    """The bare words of a text in lower case, for comparing.

    In lower case rather than casefolded: FTS5 keeps "ß" too, where casefolding makes it "ss".
    """
    return [word.lower() for word in bare_words(text)]


def word_set(words: str) -> frozenset[str]:
    """The set of the words in a text with blanks between them: long lists read better so."""
    return frozenset(words.split())
