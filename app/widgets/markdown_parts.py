"""Splits Markdown into what is shown in a box of its own (code, tables) and the text between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

_FENCE = re.compile(r"(\s*)(`{3,}|~{3,})\s*([^`\s]*)[^`]*$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s")
_HEADING = re.compile(r" {0,3}#{1,6}\s")
_INDENTED = re.compile(r"(?: {4}|\t)")
_RULE = re.compile(r" {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_LONGEST_RULE = 1_000


class PartKind(Enum):
    """How a part is shown: as it is, or as Markdown."""

    PLAIN = auto()
    TEXT = auto()
    TABLE = auto()
    CODE = auto()


@dataclass(frozen=True)
class Part:
    """Characters `start` to `end` of a Markdown text, and what of them is shown.

    For code `text` is the code alone, and `language` what it says it is in.
    """

    kind: PartKind
    text: str
    start: int
    end: int
    language: str = ""


@dataclass
class _Line:
    text: str
    start: int

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()

    @property
    def indent(self) -> int:
        return len(self.text) - len(self.text.lstrip(" "))


def parts_of(text: str, longest: int = 0) -> list[Part]:
    """The parts of a Markdown text, in order. Code without an end takes the rest of the text.

    Text that is longer than `longest` characters is split at an empty line, or if there is none
    at any line; 0 is no limit.
    """
    lines = _lines(text)
    parts: list[Part] = []
    pending: list[_Line] = []
    is_listed = False
    place = 0
    while place < len(lines):
        line = lines[place]
        end = _end_of_box(lines, place, is_listed)
        if end > place:
            parts += _texts(pending, longest)
            parts.append(_box(lines[place:end]))
            pending = []
        else:
            pending.append(line)
            if not line.is_blank:
                is_item = _ITEM.match(line.text) is not None
                is_listed = is_item or (is_listed and line.indent > 0)
            end = place + 1
        place = end
    return [*parts, *_texts(pending, longest)]


def _lines(text: str) -> list[_Line]:
    lines, start = [], 0
    for line in text.split("\n"):
        lines.append(_Line(line, start))
        start += len(line) + 1
    return lines


def _end_of_box(lines: list[_Line], place: int, is_listed: bool) -> int:
    """Where code or a table that begins at `place` ends; `place` where none begins."""
    if fence := _FENCE.match(lines[place].text):
        return _end_of_fence(lines, place, fence[2])
    is_first = place == 0 or lines[place - 1].is_blank
    if is_first and not is_listed and _INDENTED.match(lines[place].text):
        return _end_of_indented(lines, place)
    if is_first and place + 1 < len(lines) and _is_table(lines[place].text, lines[place + 1].text):
        end = place + 2
        while end < len(lines) and "|" in lines[end].text:
            end += 1
        return end
    return place


def _end_of_fence(lines: list[_Line], place: int, fence: str) -> int:
    for end in range(place + 1, len(lines)):
        closing = lines[end].text.strip()
        if len(closing) >= len(fence) and set(closing) == {fence[0]}:
            return end + 1
    return len(lines)


def _end_of_indented(lines: list[_Line], place: int) -> int:
    end = place
    if lines[place].is_blank:
        return place
    for number in range(place, len(lines)):
        if lines[number].is_blank:
            continue
        if not _INDENTED.match(lines[number].text):
            break
        end = number + 1
    return end


def _is_table(heads: str, rule: str) -> bool:
    if len(rule) > _LONGEST_RULE or "|" not in heads or "|" not in rule:
        return False
    return _RULE.match(rule) is not None


def has_blocks(text: str) -> bool:
    """Whether a Markdown text is more than prose: it begins with a heading, has a list or code."""
    lines = text.splitlines()
    if len(lines) > 1 and (_HEADING.match(text) or any(_ITEM.match(line) for line in lines)):
        return True
    return any(part.kind in (PartKind.CODE, PartKind.TABLE) for part in parts_of(text))


def _box(lines: list[_Line]) -> Part:
    start, end = lines[0].start, lines[-1].start + len(lines[-1].text)
    written = [line.text for line in lines]
    fence = _FENCE.match(written[0])
    if fence is not None:
        inside = written[1:]
        if inside and inside[-1].strip() and not inside[-1].strip().strip(fence[2][0]):
            inside = inside[:-1]
        code = "\n".join(_without_indent(line, len(fence[1])) for line in inside)
        return Part(PartKind.CODE, code, start, end, fence[3].lower())
    if _INDENTED.match(written[0]):
        code = "\n".join(_INDENTED.sub("", line, count=1) for line in written)
        return Part(PartKind.CODE, code, start, end)
    return Part(PartKind.TABLE, "\n".join(written), start, end)


def _without_indent(line: str, most: int) -> str:
    return line[min(most, len(line) - len(line.lstrip())) :]


def _texts(lines: list[_Line], longest: int) -> Iterator[Part]:
    """The lines between two boxes as one text, or as several where they are long."""
    taken: list[_Line] = []
    size = 0
    for line in lines:
        if longest and size > longest and (line.is_blank or size > 2 * longest):
            yield from _text(taken)
            taken, size = [], 0
        taken.append(line)
        size += len(line.text) + 1
    yield from _text(taken)


def _text(lines: list[_Line]) -> Iterator[Part]:
    if any(not line.is_blank for line in lines):
        end = lines[-1].start + len(lines[-1].text)
        yield Part(PartKind.TEXT, "\n".join(line.text for line in lines), lines[0].start, end)
