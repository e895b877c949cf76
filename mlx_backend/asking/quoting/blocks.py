"""Markdown as blocks: headings, paragraphs, list items, table rows and code, each with its place.

Written for notes that anybody may have written: a line decides in time linear in its length, a
code block without an end takes the rest of the text, and nothing nests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)$")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_BREAK = re.compile(r" {0,3}(?:-[ \t]*){3,}$|^ {0,3}(?:\*[ \t]*){3,}$|^ {0,3}(?:_[ \t]*){3,}$")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|(\d{1,9})[.)])(?:[ \t]+|$)")
_RULE_SIGNS = frozenset("|:- \t")
_TAB = 4
_INDENTED = 4  # columns from which a paragraph outside of lists is code


class Kind(Enum):
    """What a block is."""

    HEADING = auto()
    PARAGRAPH = auto()
    ITEM = auto()
    ROW = auto()
    CODE = auto()


@dataclass(frozen=True)
class Block:
    """A block of a text: characters [start, end), without the line break at its end.

    level: the level of a heading, 1 to 6; of other blocks the indent in columns.
    content: where the words begin, after hashes or the sign of a list item.
    number: of an item in a numbered list.
    head: of a row, the characters [start, end) of its table's column heads with the rule below.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    content: int = 0
    number: int | None = None
    head: tuple[int, int] | None = None


@dataclass(frozen=True)
class _Line:
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()

    @property
    def indent(self) -> int:
        white = self.text[: len(self.text) - len(self.text.lstrip(" \t"))]
        return len(white.expandtabs(_TAB))

    @property
    def content(self) -> int:
        return self.start + len(self.text) - len(self.text.lstrip())


def blocks_of(text: str) -> tuple[Block, ...]:
    """The blocks of a Markdown text in order; blank lines and rules between them are in none."""
    return tuple(_Reader(_lines(text)).read())


def is_rule(line: str) -> bool:
    """Whether a line is the rule below a table's column heads."""
    return "|" in line and "-" in line and _RULE_SIGNS.issuperset(line.strip())


class _Reader:
    def __init__(self, lines: list[_Line]) -> None:
        self._lines = lines
        self._at = 0
        self._item = -1  # the indent of the list item that the lines are in, -1 outside of lists

    def read(self) -> Iterator[Block]:
        was_blank = True
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.is_blank:
                self._at += 1
                was_blank = True
                continue
            yield from self._block(line, was_blank)
            was_blank = False

    def _block(self, line: _Line, was_blank: bool) -> Iterator[Block]:
        if fence := _FENCE.match(line.text):
            yield self._fenced(line, fence[1])
        elif heading := _HEADING.match(line.text):
            self._item = -1
            self._at += 1
            place = line.start + heading.end()
            yield Block(Kind.HEADING, line.start, line.end, len(heading[1]), place)
        elif _BREAK.match(line.text):
            self._item = -1
            self._at += 1
        elif self._is_table():
            yield from self._rows()
        elif _ITEM.match(line.text):
            yield self._list_item(line)
        elif was_blank and self._item < 0 and line.indent >= _INDENTED:
            yield self._indented_code(line)
        else:
            yield self._paragraph(line)

    def _fenced(self, first: _Line, marks: str) -> Block:
        last = first
        self._at += 1
        while self._at < len(self._lines):
            last = self._lines[self._at]
            self._at += 1
            closing = _FENCE.match(last.text)
            if closing and closing[1].startswith(marks) and not closing[2].strip():
                break
        return Block(Kind.CODE, first.start, last.end, first.indent, first.content)

    def _indented_code(self, first: _Line) -> Block:
        last = first
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.is_blank and line.indent < _INDENTED:
                break
            last = last if line.is_blank else line
            self._at += 1
        return Block(Kind.CODE, first.start, last.end, first.indent, first.content)

    def _is_table(self) -> bool:
        return "|" in self._lines[self._at].text and is_rule(self._next_text())

    def _rows(self) -> Iterator[Block]:
        head, rule = self._lines[self._at : self._at + 2]
        place = head.start, rule.end
        self._at += 2
        while self._at < len(self._lines) and "|" in self._lines[self._at].text:
            line = self._lines[self._at]
            self._at += 1
            yield Block(Kind.ROW, line.start, line.end, line.indent, line.content, head=place)

    def _list_item(self, first: _Line) -> Block:
        found = _ITEM.match(first.text)
        number = int(found[1]) if found and found[1] else None
        self._item = first.indent
        place = first.start + (found.end() if found else 0)
        end = self._continued(first)
        return Block(Kind.ITEM, first.start, end, first.indent, place, number)

    def _paragraph(self, first: _Line) -> Block:
        if first.indent <= self._item:
            self._item = -1
        end = self._continued(first)
        block = Block(Kind.PARAGRAPH, first.start, end, first.indent, first.content)
        underline = self._lines[self._at] if self._at < len(self._lines) else None
        found = _UNDERLINE.match(underline.text) if underline else None
        if found and underline:
            self._at += 1
            level = 1 if found[1].startswith("=") else 2
            return replace(block, kind=Kind.HEADING, level=level)
        return block

    def _continued(self, first: _Line) -> int:
        """Go on to the line that no longer belongs to what `first` begins; returns its end."""
        end = first.end
        self._at += 1
        while self._at < len(self._lines) and not self._begins_block(self._lines[self._at]):
            end = self._lines[self._at].end
            self._at += 1
        return end

    def _begins_block(self, line: _Line) -> bool:
        return (
            line.is_blank
            or any(sign.match(line.text) for sign in (_FENCE, _HEADING, _ITEM, _UNDERLINE, _BREAK))
            or self._is_table()
        )

    def _next_text(self) -> str:
        following = self._at + 1
        return self._lines[following].text if following < len(self._lines) else ""


def _lines(text: str) -> list[_Line]:
    lines, start = [], 0
    for line in text.splitlines(keepends=True):
        lines.append(_Line(line.rstrip("\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), start))
        start += len(line)
    return lines
