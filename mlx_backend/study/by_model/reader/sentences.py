"""Cutting a passage into the pieces that questions ask about: sentences, list items, table rows."""

from __future__ import annotations

import random
import re
from itertools import pairwise

from mlx_backend.text.words import count_words

_FENCE = re.compile(r"^\s*(?:```|~~~)")
_HEADING = re.compile(r"^\s*#{1,6}\s")
_MARKS = re.compile(r"^[\s>]*(?:[-*+•]\s+|\d{1,3}[.)]\s+)?(?:\[[ xX]\]\s+)?")
# After a full stop comes a blank and no small letter; "3. Mai" and "e.g. this" do not end.
_END = re.compile(
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’»)]))(?<!\s\d\.)(?<!\s\d\d\.)\s+(?=[^a-zß-ÿ])|(?<=[。！？])"
)
_CAPITAL = r"[A-ZÀ-ÞА-Я][\w'’-]+"
# Numbers with a word after them, and words with capitals.
_NUMBER = re.compile(r"(?<!\w)\d(?:[\d.,:]*\d)?(?![\w.])(?: [^\W\d_]{3,})?")
_NAME = re.compile(rf"(?<![\w'’-]){_CAPITAL}(?: {_CAPITAL})*")
_BEGINS = re.compile(r"(?:^|[.!?:|])\W*$")
_FEWEST_BESIDE = 4  # words of a sentence beside a name that is asked for
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


def chosen(sentences: list[str], most: int, generator: random.Random) -> list[str]:
    """At most so many of them, at random, in their order."""
    if len(sentences) <= most:
        return sentences
    return [sentences[i] for i in sorted(generator.sample(range(len(sentences)), most))]


def names_in(sentence: str) -> list[str]:
    """Numbers and names in a sentence that says enough beside them to ask for them."""
    fewest = count_words(sentence) - _FEWEST_BESIDE
    numbers = [found.group() for found in _NUMBER.finditer(sentence)]
    names = [found.group() for found in _NAME.finditer(sentence) if _is_name(found)]
    return [each for each in dict.fromkeys((*names, *numbers)) if count_words(each) <= fewest]


def _is_name(found: re.Match[str]) -> bool:
    """Whether a capital may be more than that of the first word of a sentence."""
    return " " in found.group() or not _BEGINS.search(found.string, 0, found.start())


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
