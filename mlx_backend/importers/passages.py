"""Splitting a note into passages that are short enough to teach, at natural boundaries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mlx_backend.library.notes import Span
from mlx_backend.text.words import WORD, count_words

TARGET_WORDS = 60
LONGEST_WORDS = 120

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"\s*(```|~~~)")
_SENTENCE_END = re.compile(r"[.!?…][\"')\]”’]*\s+|[。！？｡]|\n")


@dataclass(frozen=True)
class _Block:
    start: int
    end: int
    heading: str
    words: int


def split_passages(text: str) -> list[Span]:
    """Split `text` (Markdown) into passages of about 60, and at most about 120, words.

    Paragraphs, lists and code blocks stay whole if they are short enough; short ones under the same
    heading share a passage. Headings are not part of passages; each passage has the headings above
    it, joined by " › ". Every other character that is not white space is in exactly one passage.
    """
    spans: list[Span] = []
    open_block: _Block | None = None
    for block in _pieces(text):
        if (
            open_block is not None
            and open_block.heading == block.heading
            and open_block.words + block.words <= TARGET_WORDS
        ):
            words = open_block.words + block.words
            open_block = _Block(open_block.start, block.end, block.heading, words)
            continue
        if open_block is not None:
            spans.append(Span(open_block.start, open_block.end, open_block.heading))
        open_block = block
    if open_block is not None:
        spans.append(Span(open_block.start, open_block.end, open_block.heading))
    return spans


def _pieces(text: str) -> Iterator[_Block]:
    for block in _blocks(text):
        if block.words <= LONGEST_WORDS:
            yield block
        else:
            yield from _cut(text, block)


def _blocks(text: str) -> Iterator[_Block]:
    """Runs of lines without blank lines in between; a fenced code block is one run."""
    headings: list[tuple[int, str]] = []
    start: int | None = None
    fence: str | None = None
    position = 0
    path = ""
    for line in text.splitlines(keepends=True):
        begin, position = position, position + len(line)
        mark = _FENCE.match(line)
        if mark and fence in (None, mark[1]):
            fence = mark[1] if fence is None else None
        heading = _HEADING.match(line) if fence is None and not mark else None
        blank = not line.strip() and fence is None
        if (blank or heading) and start is not None:
            yield _block(text, start, begin, path)
            start = None
        if heading:
            level = len(heading[1])
            headings = [h for h in headings if h[0] < level] + [(level, heading[2])]
            path = " › ".join(title for _, title in headings)
        elif not blank and start is None:
            start = begin
    if start is not None:
        yield _block(text, start, position, path)


def _block(text: str, start: int, end: int, heading: str) -> _Block:
    end = start + len(text[start:end].rstrip())
    return _Block(start, end, heading, count_words(text[start:end]))


def _cut(text: str, block: _Block) -> Iterator[_Block]:
    """Cut a long block at the ends of sentences or lines, else between words."""
    start = block.start
    while _has_more_than(LONGEST_WORDS, text, start, block.end):
        cut = _cut_position(text, start, block.end)
        yield _block(text, start, cut, block.heading)
        start = cut
    if start < block.end:
        yield _block(text, start, block.end, block.heading)


def _has_more_than(words: int, text: str, start: int, end: int) -> bool:
    return next(islice(WORD.finditer(text, start, end), words, None), None) is not None


def _cut_position(text: str, start: int, end: int) -> int:
    sentence_end = None
    word_end = start
    for words, word in enumerate(WORD.finditer(text, start, end), start=1):
        word_end = word.end()
        if _SENTENCE_END.search(word[0]):
            sentence_end = word_end
        if words >= (LONGEST_WORDS if sentence_end is None else TARGET_WORDS):
            break
    return sentence_end or word_end
