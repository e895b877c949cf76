"""Joining lines that were wrapped to the width of a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import quantiles

_SENTENCE_END = re.compile(r"[.!?:;…][\"')\]”’]*$")
_NEW_ITEM = re.compile(r"(?:[-•*·▪–—]|\.?\(?\d{1,3}[.)]|[a-z][.)])\s|\.\d")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_CUT = re.compile(r"([^\W\d_]+)-$")
_FULL = 0.8
_FEWEST_LINES = 4


def join_wrapped_lines(pages: Sequence[str]) -> list[str]:
    """Join wrapped lines on each page; rows of tables, list items and headings stay separate.

    A line is joined with the next when it is about as long as the longest lines of its page, does
    not end a sentence, and the next line reads like its continuation. A word that was hyphenated
    there becomes one word, unless it is written with a hyphen elsewhere in the document.
    """
    words = {word for page in pages for word in _WORD.findall(page)}
    return ["\n".join(_joined(page.split("\n"), words)).strip("\n") for page in pages]


def _joined(broken: Iterable[str], words: set[str]) -> list[str]:
    lines = [line.rstrip() for line in broken]
    lengths = [len(line) for line in lines if line]
    if len(lengths) < _FEWEST_LINES:
        return lines
    full = _FULL * quantiles(lengths, n=10)[-1]
    joined: list[str] = []
    runs_on = False
    for line in lines:
        if joined and line and _CUT.search(joined[-1]) and line[0].islower():
            joined[-1] = _whole_word(joined[-1], line, words)
        elif runs_on and line and _continues(joined[-1], line):
            joined[-1] = f"{joined[-1]} {line}"
        else:
            joined.append(line)
        runs_on = len(line) >= full and not _SENTENCE_END.search(line)
    return joined


def _continues(above: str, below: str) -> bool:
    """Whether the line below continues the one above; rows of tables do not look like it."""
    if _NEW_ITEM.match(below):
        return False
    return above.rpartition(" ")[2][:1].islower() or below[0].islower()


def _whole_word(above: str, below: str, words: set[str]) -> str:
    begun, ended = _CUT.search(above), _WORD.match(below)
    assert begun is not None
    rest = ended[0] if ended else ""
    hyphen = f"{begun[1]}-{rest}" in words and begun[1] + rest not in words
    return (above if hyphen else above[:-1]) + below
