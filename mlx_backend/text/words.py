"""Words: counting and comparing them, also where a language puts no spaces between them."""

from __future__ import annotations

import re
import unicodedata

# Chinese, Japanese and Korean syllables count one each: about what a word is worth elsewhere.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"

WORD = re.compile(rf"[{_UNSPACED}]\s*|[^\s{_UNSPACED}]+\s*")
"""A word with the white space behind it."""

# Joiners, direction marks and the tags of flags are nothing to see, but what stands beside them is
# another thing without them: a family becomes its members, a Persian word two.
_UNSEEN = re.compile("[\u061c\u200b-\u200f\U000e0020-\U000e007f]+")
_LONGEST_WORD = 100  # characters

_LETTERS = re.compile(r"[^\W_]+")


def count_words(text: str) -> int:
    """How many words a text has."""
    return sum(1 for _ in WORD.finditer(text))


def printable(text: str) -> str:
    """A text with a blank for each character that no line can show, and "" if it shows nothing."""
    if not _UNSEEN.sub("", text).strip():
        return ""
    return "".join(c if c.isprintable() or _UNSEEN.match(c) else " " for c in text)


def end_of(text: str, most: int) -> str:
    """The last `most` words between white space; of a text without any, as much as they have."""
    tail = text[-most * _LONGEST_WORD :]
    return " ".join(tail.split()[-most:])


def bare_words(text: str) -> list[str]:
    """The letters and digits of each word in order: "json_each" is two, as it is for FTS5.

    An accent is the same whether it was typed with its letter or behind it.
    """
    return _LETTERS.findall(unicodedata.normalize("NFC", text))


def folded_words(text: str) -> list[str]:
    """The bare words of a text as they are compared.

    In lower case rather than casefolded: FTS5 keeps "ß" too, where casefolding makes it "ss".
    """
    return [word.lower() for word in bare_words(text)]


def word_set(words: str) -> frozenset[str]:
    """Words with white space between them, as a set: a long list reads better so."""
    return frozenset(words.split())
