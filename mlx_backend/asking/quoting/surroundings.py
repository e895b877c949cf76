"""The note around a passage: its blocks, and its text as it may be shown, by place in the note."""

from __future__ import annotations

import re
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from mlx_backend.asking.quoting.blocks import Block, Kind, blocks_of
from mlx_backend.asking.quoting.sentences import Sentence, sentences_of
from mlx_backend.asking.retrieval import FoundPassage
from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.training_text import TRAINING_NOTE, TrainingText

_AROUND = 20_000
"""Characters read on both sides of a passage: more than an answer may bring along."""
_FENCE_LINE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True)
class Surroundings:
    """A passage within its note; places are characters of the note's text.

    text: the part of the note that is read, which begins at `begin`.
    shown: the text of characters [start, end) of the note, with secrets masked and without what
    is left out of training.
    dated: when the note was made, Unix time in seconds; 0.0 where that is not known.
    reach: how many characters on both sides of the passage are looked at for an answer, to whole
    blocks; 0 for the passage alone.
    runs: the lists and tables that were found already, by the indices of their blocks.
    """

    passage: FoundPassage
    text: str
    begin: int
    shown: Callable[[int, int], str]
    dated: float = 0.0
    reach: int = 0
    runs: dict[int, tuple[int, int]] = field(default_factory=dict)
    _sentences: dict[int, tuple[Sentence, ...]] = field(default_factory=dict)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of the text that is read, with places in the note."""
        return tuple(_moved(block, self.begin) for block in blocks_of(self.text))

    @cached_property
    def _starts(self) -> list[int]:
        return [block.start for block in self.blocks]

    def reaching(self, characters: int) -> Surroundings:
        """The same, looked at so much further on both sides of the passage."""
        return replace(self, reach=characters)

    @cached_property
    def part(self) -> tuple[int, int]:
        """The first character that is looked at for an answer, and one past the last."""
        first, last = self.passage.start, self.passage.end
        start, end = first - self.reach, last + self.reach
        near = [b for b in self.blocks if b.end > start and b.start < end]
        if not self.reach or not near:
            return first, last
        return min(first, near[0].start), max(last, near[-1].end)

    def touched(self) -> range:
        """The indices of the blocks that the part to look at has something of."""
        start, end = self.part
        first = max(0, bisect_right(self._starts, start) - 1)
        if self.blocks and self.blocks[first].end <= start:
            first += 1
        return range(first, max(first, bisect_right(self._starts, end - 1)))

    def blocks_in(self, start: int, end: int) -> tuple[Block, ...]:
        """The blocks that begin within characters [start, end) of the note."""
        return self.blocks[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def sentences(self, index: int) -> tuple[Sentence, ...]:
        """The sentences of a block, found once."""
        if index not in self._sentences:
            block = self.blocks[index]
            words = self.source(block.content, block.end)
            self._sentences[index] = sentences_of(words, block.content)
        return self._sentences[index]

    def source(self, start: int, end: int) -> str:
        """Characters [start, end) as they are in the note: for finding places, not for showing."""
        return self.text[start - self.begin : end - self.begin]

    def heading_of(self, index: int) -> int | None:
        """The index of the heading that a block stands under; None without any."""
        above = bisect_left(self._headings, index) - 1
        return self._headings[above] if above >= 0 else None

    @cached_property
    def _headings(self) -> list[int]:
        return [i for i, block in enumerate(self.blocks) if block.kind is Kind.HEADING]


NotesAround = Callable[[FoundPassage], Surroundings]
"""Reads the note around a passage."""


def alone(passage: FoundPassage) -> Surroundings:
    """A passage as if it were all of its note."""
    begin = passage.start

    def shown(start: int, end: int) -> str:
        return passage.text[max(0, start - begin) : max(0, end - begin)]

    return Surroundings(passage, passage.text, begin, shown)


def notes_around(connection: sqlite3.Connection) -> NotesAround:
    """Reads notes in use from the library; a note that is not there any more is its passage."""
    allowed = AllowedSecrets(connection)
    read: dict[int, tuple[sqlite3.Row, TrainingText, float] | None] = {}

    def note(note_id: int) -> tuple[sqlite3.Row, TrainingText, float] | None:
        row = connection.execute(TRAINING_NOTE, (note_id,)).fetchone()
        if row is None:
            return None
        dated = connection.execute("SELECT created FROM notes WHERE id = ?", (note_id,)).fetchone()
        return row, TrainingText(row, allowed), dated["created"] or 0.0

    def around(passage: FoundPassage) -> Surroundings:
        if passage.note_id not in read:
            read[passage.note_id] = note(passage.note_id)
        found = read[passage.note_id]
        if found is None:
            return alone(passage)
        row, taught, dated = found
        start, end = _window(row["text"], passage)
        return Surroundings(passage, row["text"][start:end], start, taught.piece, dated)

    return around


def _window(text: str, passage: FoundPassage) -> tuple[int, int]:
    """The part of a note to read: whole lines around a passage, code and tables from their top."""
    start = text.rfind("\n", 0, max(0, passage.start - _AROUND)) + 1
    end = text.find("\n", passage.end + _AROUND)
    end = len(text) if end < 0 else end
    fences = [found.start() for found in _FENCE_LINE.finditer(text, 0, start)]
    if len(fences) % 2:
        return fences[-1], end
    while start and "|" in text[(above := text.rfind("\n", 0, start - 1) + 1) : start]:
        start = above
    return start, end


def _moved(block: Block, by: int) -> Block:
    head = block.head and (block.head[0] + by, block.head[1] + by)
    return Block(
        block.kind,
        block.start + by,
        block.end + by,
        block.level,
        block.content + by,
        block.number,
        head,
    )
