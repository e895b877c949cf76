"""The sentences of a block with their places: what may be quoted by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlx_backend.library.notes import Passage
from mlx_backend.library.quote_places import place_as_written
from mlx_backend.study.by_rule.statements import statements_of_note

# Signs behind a part of a long sentence, which is cut at its pauses.
_CUT = re.compile(r"[,;–—]\s*\Z")
_ENDS = re.compile(r"[.!?:;。！？…][\"')\]”»*_`]*\s*\Z")
_WRAPPED = 56  # characters of a line that an editor may have wrapped
_LOOK = 8  # characters


@dataclass(frozen=True)
class Sentence:
    """A statement: its words without markup, and characters [start, end) of its note.

    A long sentence has several statements; [first, last) is all of it.
    """

    text: str
    start: int
    end: int
    first: int
    last: int


def sentences_of(text: str, begin: int) -> tuple[Sentence, ...]:
    """The sentences of a block's text, which begins at character `begin` of its note.

    They are the statements that study writes questions about. One that is not found again in the
    text, because of markup within its words, stands for the whole block.
    """
    stated = statements_of_note([Passage(0, 0, "", 0, "", text)])[0]
    places: list[tuple[int, int]] = []
    at = 0
    for each in stated:
        found = place_as_written(each.text, text, at)
        places.append(found or (0, len(text)))
        at = found[1] if found else at
    torn = [
        number > 0 and _goes_on(number, each.is_torn, places, text)
        for number, each in enumerate(stated)
    ]
    found_all = []
    for number, each in enumerate(stated):
        first, last = _whole(number, places, torn)
        start, end = places[number]
        found_all.append(Sentence(each.text, *(begin + at for at in (start, end, first, last))))
    return tuple(found_all)


def _whole(
    number: int, places: Sequence[tuple[int, int]], goes_on: Sequence[bool]
) -> tuple[int, int]:
    """The place of the sentence that a statement is a part of."""
    first = last = number
    while first > 0 and goes_on[first]:
        first -= 1
    while last + 1 < len(places) and goes_on[last + 1]:
        last += 1
    return places[first][0], places[last][1]


def _goes_on(number: int, is_torn: bool, places: Sequence[tuple[int, int]], text: str) -> bool:
    """Whether a statement goes on with the sentence of the one before it."""
    end, start = places[number - 1][1], places[number][0]
    if start < end:
        return False
    is_cut = is_torn or bool(_CUT.search(text[max(0, end - _LOOK) : start]))
    return is_cut or _is_wrapped(text, end, start)


def _is_wrapped(text: str, end: int, start: int) -> bool:
    """Whether a line ends between two places only because its next word was too long for it."""
    if "\n" not in text[end:start] or _ENDS.search(text[max(0, end - _LOOK) : end]):
        return False
    line = text[text.rfind("\n", 0, end) + 1 : end]
    word = text[start:].split(maxsplit=1)[0]
    longest = max(len(each) for each in text.splitlines())
    return longest >= _WRAPPED and len(line) + 1 + len(word) > longest
