"""What belongs to a candidate, so that the answer is whole: read from the note's own structure.

A colon brings what follows it, a pronoun the sentence before, a row its column heads, code and
lists the sentence that leads in to them. What the question asks for decides how much: steps for
"how do I", all of a list for "which ... are".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlx_backend.asking.question_kinds import Wanted, enumerates
from mlx_backend.asking.quoting.blocks import Kind
from mlx_backend.asking.quoting.candidates import Candidate, Form
from mlx_backend.asking.quoting.sentences import Sentence
from mlx_backend.asking.quoting.structure import (
    MOST_CHARACTERS,
    Run,
    after,
    before_run,
    children_of,
    fitting,
    leads_in,
    place_of_run,
    run_of,
    section_of,
)
from mlx_backend.asking.quoting.surroundings import Surroundings
from mlx_backend.library.text_ranges import Ranges, joined_ranges, without_gaps
from mlx_backend.text.words import count_words

_SHOWN_AS_BLOCK = frozenset({Kind.CODE, Kind.ITEM, Kind.ROW})
_AFTER_COLON = _SHOWN_AS_BLOCK | {Kind.PARAGRAPH}
_REASON_FOLLOWS = re.compile(
    r"(?:this|that|it)(?:'s| is| was)? (?:is |was )?(?:because|since|due to|so that)\b|because\b"
    r"|the reason\b|(?:root )?cause:|reason:|due to\b|owing to\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？][\"')\]”»*_`]*\s*\Z")
# What brings along the rest of the paragraph before it.
_FOLLOWS = {Wanted.STEPS: _SHOWN_AS_BLOCK, Wanted.LIST: frozenset({Kind.ITEM, Kind.ROW})}
_SAYS_SOMETHING = 3  # words of a list item that is understood by itself
_MOST_REST = 60  # words of a paragraph between a sentence and the code it is about
_SECTION = 700  # characters of the prose of a section


@dataclass(frozen=True)
class Whole:
    """What is shown where a candidate is the answer.

    ranges: characters of the note, in order. is_cut: whether more belongs to it than is shown.
    """

    ranges: Ranges
    is_cut: bool = False


class Piece(NamedTuple):
    """Characters [start, end) of a note; `is_cut`: more belongs to them than may be shown."""

    start: int
    end: int
    is_cut: bool = False


def whole(candidate: Candidate, wanted: Wanted) -> Whole:
    """A candidate with all that belongs to it."""
    ways = {
        Form.SENTENCE: _with_sentence,
        Form.ROW: _with_row,
        Form.LIST: _with_list,
        Form.CODE: _with_code,
        Form.HEADING: _with_heading,
    }
    pieces = list(ways[candidate.form](candidate, wanted))
    return Whole(_merged(candidate.around, pieces), any(each.is_cut for each in pieces))


def has_form(around: Surroundings, ranges: Ranges, wanted: Wanted) -> bool:
    """Whether ranges have a block of the kind that is wanted: steps or code, a list or table."""
    kinds = _FOLLOWS.get(wanted, frozenset())
    return any(
        block.kind in kinds for start, end in ranges for block in around.blocks_in(start, end)
    )


def _with_sentence(candidate: Candidate, wanted: Wanted) -> Iterator[Piece]:
    around, index = candidate.around, candidate.block
    own = _sentence_at(candidate)
    if around.blocks[index].kind is Kind.ITEM:
        yield from _with_item(candidate, own, wanted)
        return
    if candidate.before is not None:
        yield from _before(around, index, candidate.before, wanted)
    yield Piece(own.first, own.last)
    yield from _continued(candidate, own, wanted)


def _continued(candidate: Candidate, own: Sentence, wanted: Wanted) -> Iterator[Piece]:
    """What goes on from a sentence: after a colon, a question or a "This is because"."""
    around, index = candidate.around, candidate.block
    rest = _rest(around, index, own)
    signs = around.source(own.first, _line_end(around, index, own))
    if _ASKS.search(signs) and rest:
        end = around.blocks[index].end
        yield Piece(own.first, end)
        if leads_in(around.source(own.first, end)):
            yield from _following(around, index, _AFTER_COLON)
    elif rest and _adds(candidate.text, rest[0].text, wanted):
        yield Piece(rest[0].first, rest[0].last)
    if not rest and (leads_in(signs) or _ASKS.search(signs)):
        yield from _following(around, index, _AFTER_COLON)
    elif sum(count_words(each.text) for each in rest) <= _MOST_REST:
        following = list(_following(around, index, _FOLLOWS.get(wanted, frozenset())))
        if following:
            yield Piece(own.first, around.blocks[index].end)
            yield from following


def _adds(own: str, following: str, wanted: Wanted) -> bool:
    """Whether the sentence after one has what it lacks: the reason, or the names of several."""
    if wanted is Wanted.REASON:
        return bool(_REASON_FOLLOWS.match(following))
    return wanted is Wanted.LIST and enumerates(following) and not enumerates(own)


def _with_item(candidate: Candidate, own: Sentence, wanted: Wanted) -> Iterator[Piece]:
    around, index = candidate.around, candidate.block
    block = around.blocks[index]
    run = run_of(around, index)
    is_step = wanted is Wanted.STEPS and block.number is not None
    below = children_of(around, index)
    is_bare = below[1] == index and count_words(candidate.text) < _SAYS_SOMETHING
    if run[1] > run[0] and (wanted is Wanted.LIST or is_step or is_bare):
        yield from _run_with_lead(around, run)
        return
    if below[1] > index:
        yield _piece(around, below)
    elif len(around.sentences(index)) > 1 and wanted is not Wanted.ANY:
        yield Piece(block.content, block.end)
    else:
        yield Piece(own.first, own.last)
    if leads_in(candidate.text) and below[1] == index:
        yield from _following(around, index, _AFTER_COLON)


def _with_row(candidate: Candidate, wanted: Wanted) -> Iterator[Piece]:
    around, index = candidate.around, candidate.block
    if wanted in (Wanted.LIST, Wanted.STEPS):
        yield from _run_with_lead(around, run_of(around, index))
        return
    block = around.blocks[index]
    if block.head:
        yield Piece(*block.head)
    yield Piece(block.start, block.end)


def _with_list(candidate: Candidate, wanted: Wanted) -> Iterator[Piece]:
    yield from _run_with_lead(candidate.around, run_of(candidate.around, candidate.block))


def _with_code(candidate: Candidate, wanted: Wanted) -> Iterator[Piece]:
    around, index = candidate.around, candidate.block
    run = _enclosing_run(around, index)
    if run is not None and wanted in (Wanted.STEPS, Wanted.LIST):
        yield from _run_with_lead(around, run)
        return
    yield from _run_with_lead(around, (index, index))


def _with_heading(candidate: Candidate, wanted: Wanted) -> Iterator[Piece]:
    around, index = candidate.around, candidate.block
    block = around.blocks[index]
    yield Piece(block.start, block.end)
    section = section_of(around, index)
    if section is None:
        return
    used = 0
    at = section[0]
    while at <= section[1] and used < _SECTION:
        run = run_of(around, at)
        piece = _piece(around, run)
        size = piece.end - piece.start
        if used and used + size > MOST_CHARACTERS:
            return
        yield piece
        used += size
        at = run[1] + 1


def _run_with_lead(around: Surroundings, run: Run) -> Iterator[Piece]:
    lead = before_run(around, run)
    sentences = around.sentences(lead) if lead is not None else ()
    if lead is not None and sentences:
        yield Piece(sentences[-1].first, around.blocks[lead].end)
    else:
        heading = run[0] - 1
        if heading >= 0 and around.blocks[heading].kind is Kind.HEADING:
            yield Piece(around.blocks[heading].start, around.blocks[heading].end)
    yield _piece(around, run)


def _enclosing_run(around: Surroundings, index: int) -> Run | None:
    """The list that code is a part of."""
    if index == 0 or around.blocks[index - 1].kind is not Kind.ITEM:
        return None
    run = run_of(around, index - 1)
    return run if run[0] < run[1] and run[1] >= index else None


def _before(around: Surroundings, index: int, before: Sentence, wanted: Wanted) -> Iterator[Piece]:
    """The sentence that a pronoun leans on, and code between both where steps are asked for."""
    yield Piece(before.first, before.last)
    above = index - 1
    is_code = above >= 0 and around.blocks[above].kind is Kind.CODE
    if is_code and wanted is Wanted.STEPS and before.last <= around.blocks[above].start:
        yield Piece(around.blocks[above].start, around.blocks[above].end)


def _following(around: Surroundings, index: int, kinds: frozenset[Kind]) -> Iterator[Piece]:
    run = after(around, index, kinds)
    if run is None:
        return
    yield _piece(around, run)
    last = around.blocks[run[1]]
    if last.kind is Kind.PARAGRAPH and leads_in(around.source(last.start, last.end)):
        yield from _following(around, run[1], _SHOWN_AS_BLOCK)


def _sentence_at(candidate: Candidate) -> Sentence:
    for each in candidate.around.sentences(candidate.block):
        if (each.start, each.end) == (candidate.start, candidate.end):
            return each
    start, end = candidate.start, candidate.end
    return Sentence(candidate.text, start, end, start, end)


def _rest(around: Surroundings, index: int, own: Sentence) -> Sequence[Sentence]:
    return [each for each in around.sentences(index) if each.start >= own.last]


def _line_end(around: Surroundings, index: int, own: Sentence) -> int:
    """The end of a sentence with the signs behind it, which may be a colon."""
    return min(own.last + 8, around.blocks[index].end)


def _piece(around: Surroundings, run: Run) -> Piece:
    """As much of some blocks as may be shown: whole blocks, of a long one whole lines."""
    fitted = fitting(around, run)
    start, end = place_of_run(around, fitted)
    if end - start <= 2 * MOST_CHARACTERS:
        return Piece(start, end, fitted != run)
    source = around.source(start, start + MOST_CHARACTERS)
    line = source.rfind("\n")
    return Piece(start, start + (line if line > 0 else MOST_CHARACTERS), is_cut=True)


def _merged(around: Surroundings, pieces: Sequence[Piece]) -> Ranges:
    """The places of pieces in order; those with only white space between them as one."""
    ranges = joined_ranges((each.start, each.end) for each in pieces)
    return without_gaps(ranges, lambda start, end: not around.source(start, end).strip())
