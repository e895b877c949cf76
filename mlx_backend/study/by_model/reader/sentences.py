"""Cutting a passage into the pieces that questions ask about: sentences, list items, table rows."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TypeVar

from mlx_backend.text.words import count_words

T = TypeVar("T")

_FENCE = re.compile(r"^\s*(?:```|~~~)")
_HEADING = re.compile(r"^\s*#{1,6}\s")
_MARKS = re.compile(r"^[\s>]*(?:[-*+•]\s+|\d{1,3}[.)]\s+)?(?:\[[ xX]\]\s+)?")
# After a full stop comes a blank and no small letter; "3. Mai" and "e.g. this" do not end.
_END = re.compile(
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’»)]))(?<!\s\d\.)(?<!\s\d\d\.)\s+(?=[^a-zß-ÿ])|(?<=[。！？])"
)
_ITEM = re.compile(r"[\s>]*(?:[-*+•]|\d{1,3}[.)])\s+\S")
_COMMA = re.compile(r"[,;،](?!\d)|[、，；]")
_AMOUNT = re.compile(r"(?<![\w.,:#/=-])(?!(?:1[5-9]|20)\d\d\b)\d+(?:[.,]\d+)*(?![\w:/=-]|[.,]\d)")
_FEWEST_COMMAS = 2
_FEWEST_ITEMS, _MOST_ITEMS = 3, 12
_FEWEST_WORDS = 3
_MOST_WORDS = 60


def sentences_in(text: str) -> list[str]:
    """The sentences, list items and table rows of a passage, as they stand in it, in order.

    Headings, code and pieces of less than three words are left out, and so are very long ones.
    """
    found = []
    in_code = False
    for line in _lines(text):
        if _FENCE.match(line):
            in_code = not in_code
        elif not in_code and not _HEADING.match(line):
            found += _pieces(_MARKS.sub("", line, count=1))
    return [each for each in found if _FEWEST_WORDS <= count_words(each) <= _MOST_WORDS]


def chosen(found: list[T], most: int, generator: random.Random) -> list[T]:
    """At most so many of them, at random, in their order."""
    if len(found) <= most:
        return found
    return [found[i] for i in sorted(generator.sample(range(len(found)), most))]


@dataclass(frozen=True)
class ListText:
    """A list as it stands in a passage. items: all of it after the mark of the first item."""

    text: str
    items: str
    is_numbered: bool


def lists_in(text: str) -> list[ListText]:
    """The lists in a passage that are neither very short nor very long, in order."""
    found = []
    for is_item, group in groupby(text.split("\n"), key=lambda line: bool(_ITEM.match(line))):
        lines = list(group)
        if is_item and _FEWEST_ITEMS <= len(lines) <= _MOST_ITEMS:
            whole = "\n".join(lines).strip()
            items = _MARKS.sub("", whole, count=1)
            if count_words(items) <= _MOST_WORDS:
                found.append(ListText(whole, items, bool(re.match(r"\d", whole))))
    return found


def enumerates(text: str) -> bool:
    """Whether a sentence of a text has several commas, as one has that names several things."""
    return any(len(_COMMA.findall(each)) >= _FEWEST_COMMAS for each in sentences_in(text))


def compares(text: str) -> bool:
    """Whether a text has two amounts to compare: other numbers than those of years and of times."""
    return len(set(_AMOUNT.findall(text))) > 1


def _lines(text: str) -> list[str]:
    """The lines of a text, where a paragraph that is wrapped at some width is one line."""
    lines: list[str] = []
    for line in text.split("\n"):
        goes_on = lines and lines[-1].strip() and _is_prose(line) and _is_prose(lines[-1])
        if goes_on:
            lines[-1] += f"\n{line}"
        else:
            lines.append(line)
    return lines


def _is_prose(line: str) -> bool:
    first = line.lstrip()[:1]
    return bool(first) and first not in "#>|-*+•`~" and not re.match(r"\s*\d{1,3}[.)]\s", line)


def _pieces(line: str) -> list[str]:
    if line.lstrip().startswith("|"):
        return [line.strip()] if re.search(r"\w", line) else []
    ends = [0, *(found.start() for found in _END.finditer(line)), len(line)]
    return [line[start:end].strip() for start, end in pairwise(ends)]
