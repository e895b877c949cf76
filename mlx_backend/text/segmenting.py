"""Segmenting texts into words for the search indexes, also in scripts without spaces.

SQLite's tokenizer takes a run of letters for one word. Here each letter of Chinese, Japanese,
Korean, Thai, Lao, Khmer and Burmese becomes a word, with its combining marks, and a search becomes
a phrase of such words, so that it finds any part of a run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby, pairwise

from mlx_backend.text.folding import POINTS

TOKENIZER = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
"""The tokenizer of FTS5: words are letters, digits and marks. Migrations have a copy of it."""

BREAK = "\ue000"
"""A word put between two runs, so that no phrase matches across both."""


def _of_kinds(kinds: str, *blocks: tuple[int, int]) -> str:
    """The characters in blocks [first, last] whose Unicode category begins with one of `kinds`.

    Returned as ranges for a character class of a regular expression.
    """
    codes = (code for first, last in blocks for code in range(first, last + 1))
    wanted = (code for code in codes if unicodedata.category(chr(code))[0] in kinds)
    # Consecutive codes have the same difference to their index.
    stretches = (list(group) for _, group in groupby(enumerate(wanted), lambda at: at[1] - at[0]))
    return "".join(f"{chr(each[0][1])}-{chr(each[-1][1])}" for each in stretches)


_SOUTHEAST = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xA9E0, 0xA9FF))
_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HIRAGANA = _of_kinds("L", (0x3041, 0x309F))
_KATAKANA = _of_kinds("L", (0x30A0, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
_HANGUL = "\u1100-\u11ff\uac00-\ud7af"
_OTHER = _of_kinds("LN", *_SOUTHEAST) + _of_kinds("L", (0x3100, 0x312F), (0x31A0, 0x31BF))
_MARK = _of_kinds("M", *_SOUTHEAST) + "\u3099\u309a"
_BASE = _HAN + _HIRAGANA + _KATAKANA + _HANGUL + _OTHER

_LETTER = re.compile(f"[{_BASE}][{_MARK}]*")
_GAP = re.compile(rf"(?<=[{_BASE}{_MARK}])(?:(?![{_MARK}])[\W_])+(?=[{_BASE}])")
# Runs of one script each, because words seldom mix them; in other scripts, whole words.
_RUN = re.compile(
    "|".join(f"(?:[{kind}][{_MARK}]*)+" for kind in (_HAN, _HIRAGANA, _KATAKANA, _HANGUL, _OTHER))
    + f"|[^{_BASE}]+"
)
_IS_HAN = re.compile(f"[{_HAN}]")
_IS_HIRAGANA = re.compile(f"[{_HIRAGANA}]")


def segmented(text: str) -> str:
    """A text with spaces around the letters of scripts without spaces: for index and search."""
    if text.isascii():
        return text
    text = _plain(text)
    if not _LETTER.search(text):
        return text
    return _LETTER.sub(r" \g<0> ", _GAP.sub(rf"\g<0>{BREAK} ", text))


def phrase_query(search: str) -> str:
    """A search as a query of FTS5: all words, each as a prefix; "" for a search without words.

    The words are quoted, so that FTS5 takes none of them for an operator.
    """
    return " ".join(f'"{" ".join(segmented(word).split())}"*' for word in _words(search))


def search_terms(question: str) -> Iterator[str]:
    """The words and phrases of a question to look for in passages.

    In scripts without spaces these are all pairs of neighbouring letters, because word boundaries
    are unknown. Chinese characters count alone too; a single hiragana does not, being grammar.
    """
    for word in _words(question):
        for run in _RUN.findall(word):
            letters = _LETTER.findall(run)
            if not letters:
                yield run.lower()
            elif _IS_HAN.match(run):
                yield from letters
                yield from map(" ".join, pairwise(letters))
            elif len(letters) > 1:
                yield from map(" ".join, pairwise(letters))
            elif not _IS_HIRAGANA.match(run):
                yield run


def _words(text: str) -> list[str]:
    """The words of a text as the tokenizer splits it: whole runs in scripts without spaces."""
    letters = (c if unicodedata.category(c)[0] in "LNM" else " " for c in _plain(text))
    return "".join(letters).split()


def _plain(text: str) -> str:
    return POINTS.sub("", unicodedata.normalize("NFC", text))
