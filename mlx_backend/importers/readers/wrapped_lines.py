"""Mending text that was broken into lines of a page's width."""

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
    """Join lines that run on into the next; rows of tables, lists and headings stay lines.

    A line runs on when it is about as long as its page's longest ones, ends no sentence and the
    next one reads like its continuation. A word cut by a hyphen there becomes whole, unless the
    pages write it with a hyphen elsewhere.
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
    """Whether this reads like one sentence; rows of tables are full of capitals and numbers."""
    if _NEW_ITEM.match(below):
        return False
    return above.rpartition(" ")[2][:1].islower() or below[0].islower()


def _whole_word(above: str, below: str, words: set[str]) -> str:
    begun, ended = _CUT.search(above), _WORD.match(below)
    assert begun is not None
    rest = ended[0] if ended else ""
    hyphen = f"{begun[1]}-{rest}" in words and begun[1] + rest not in words
    return (above if hyphen else above[:-1]) + below
