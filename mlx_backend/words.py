"""Counting words, also where a language puts no spaces between them."""

from __future__ import annotations

import re

# Chinese, Japanese and Korean syllables count one each: about what a word is worth elsewhere.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"

UNSPACED = re.compile(f"[{_UNSPACED}]")
"""A character that is about a word by itself."""

WORD = re.compile(rf"[{_UNSPACED}]\s*|[^\s{_UNSPACED}]+\s*")
"""A word with the white space behind it."""


def count_words(text: str) -> int:
    """How many words a text has."""
    return sum(1 for _ in WORD.finditer(text))


def word_set(words: str) -> frozenset[str]:
    """Words with white space between them, as a set: a long list reads better so."""
    return frozenset(words.split())
