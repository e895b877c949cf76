"""Boilerplate: text repeated in many notes, such as signatures, disclaimers and templates.

It is kept in one note and left out of the others. Whole paragraphs and long lines count, because
these are copied; short lines also recur when people write about the same things. Fenced code is
left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from mlx_backend.curation.text_fingerprints import hash_of
from mlx_backend.library.text_ranges import Ranges, joined_ranges

Paragraphs = npt.NDArray[np.void]
"""An array of PARAGRAPH records: pieces of one text, in order."""
PARAGRAPH = np.dtype([("hash", "<u8"), ("start", "<u4"), ("end", "<u4"), ("long", "u1")])

MOST_PARAGRAPHS = 5_000
"""The most pieces of one note that are compared."""
LONG_WORDS = 8
NOTES_FOR_LONG = 5
"""A piece of at least LONG_WORDS words is boilerplate when this many notes share it."""
NOTES_FOR_SHORT = 20
"""The same for shorter pieces."""

_FEWEST_WORDS = 4
_FEWEST_LETTERS = 16
_LONGEST_RUN = 200  # lines; a list of a million lines is not a paragraph
_LONGEST_PIECE = 20_000
_LINE = re.compile(r"\n+|[^\n]+\n?")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADING = re.compile(r"#{1,6}\s")


def find_paragraphs(text: str) -> Paragraphs:
    """The pieces of a text that could be boilerplate: paragraphs, and the long lines in them."""
    found = []
    for start, lines in _runs(text):
        end = start + sum(map(len, lines))
        found.append(_piece(text, start, end))
        if len(lines) > 1:
            position = start
            for line in lines:
                piece = _piece(text, position, position + len(line))
                position += len(line)
                if piece and piece[3]:
                    found.append(piece)
        if len(found) > MOST_PARAGRAPHS:
            break
    return np.array([piece for piece in found if piece][:MOST_PARAGRAPHS], PARAGRAPH)


def find_repeated(notes: Iterable[tuple[int, Paragraphs]]) -> dict[int, int]:
    """The hashes of pieces that many notes share, each with the id of the first note that has it.

    `notes` are (id, pieces), in order of preference: the first note with a piece keeps it.
    """
    keepers: dict[int, int] = {}
    distinct: list[npt.NDArray[np.uint64]] = []
    lengthy: list[npt.NDArray[np.uint64]] = []
    ids: list[int] = []
    for note_id, paragraphs in notes:
        hashes, first = np.unique(paragraphs["hash"], return_index=True)
        distinct.append(hashes)
        lengthy.append(paragraphs["long"][first])
        ids.append(note_id)
    if not ids:
        return keepers
    everywhere = np.concatenate(distinct)
    hashes, first, counts = np.unique(everywhere, return_index=True, return_counts=True)
    needed = np.where(np.concatenate(lengthy)[first] > 0, NOTES_FOR_LONG, NOTES_FOR_SHORT)
    note_of = np.repeat(np.array(ids), [len(each) for each in distinct])
    many = counts >= needed
    return dict(zip(hashes[many].tolist(), note_of[first[many]].tolist(), strict=True))


def left_out(
    note_id: int, paragraphs: Paragraphs, repeated: Mapping[int, int]
) -> tuple[Ranges, list[int]]:
    """The ranges of a note's text that other notes keep, and the ids of those notes."""
    ranges: list[tuple[int, int]] = []
    keepers: list[int] = []
    for key, start, end, _ in sorted(paragraphs.tolist(), key=lambda piece: piece[1:3]):
        keeper = repeated.get(key, note_id)
        if keeper != note_id:
            keepers.append(keeper)
            ranges.append((start, end))
    return joined_ranges(ranges), keepers


def _runs(text: str) -> Iterator[tuple[int, list[str]]]:
    """(start, lines) of each run of lines that are not blank, headings or fenced code."""
    start = 0
    lines: list[str] = []
    fence = ""
    for found in _LINE.finditer(text):  # one at a time, because a list of all would be large
        line, position = found[0], found.start()
        mark = _FENCE.match(line)
        apart = bool(mark or fence or line.isspace() or _HEADING.match(line))
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        if lines and (apart or len(lines) == _LONGEST_RUN):
            yield start, lines
            lines = []
        if not apart:
            start = start if lines else position
            lines.append(line)
    if lines:
        yield start, lines


def _piece(text: str, start: int, end: int) -> tuple[int, int, int, int] | None:
    if end - start > _LONGEST_PIECE:
        return None
    words = text[start:end].split()
    if len(words) < _FEWEST_WORDS or sum(map(len, words)) < _FEWEST_LETTERS:
        return None
    end = start + len(text[start:end].rstrip())
    return hash_of(" ".join(words).casefold()), start, end, int(len(words) >= LONG_WORDS)
