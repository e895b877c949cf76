"""More of the same note, where it is not clear which of its statements answers.

A note often takes up the question in one sentence and answers it in another, and a small model does
not tell the two apart for sure: so what is nearly as good is shown beside the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mlx_backend.asking.question_kinds import asked_kind
from mlx_backend.asking.quoting.blocks import Kind
from mlx_backend.asking.quoting.candidates import Form
from mlx_backend.asking.quoting.evidence import Weighed
from mlx_backend.asking.quoting.surroundings import Surroundings
from mlx_backend.library.text_ranges import Ranges, joined_ranges, without_gaps

# Nats a token below the best one; smaller where the best has a sign of what is asked for.
_NEARLY_AS_GOOD = 0.7
_NEARLY_AS_SURE = 0.5

_AS_MANY_WORDS = 0.5
_MOST = 2
_MOST_CHARACTERS = 800
_GAP = 160  # characters of prose between two pieces that are shown, too


def with_next_best(question: str, weighed: Sequence[Weighed]) -> Weighed:
    """The first one, with those of its note that are nearly as good, or better.

    weighed: best first, but that the first has the kind or form asked for.
    """
    best = weighed[0]
    if best.candidate.form in (Form.HEADING, Form.ROW) or _has_list(best):
        return best
    kind = asked_kind(question)
    is_known = kind is not None and kind.in_statement is not None
    least = best.evidence.score - (_NEARLY_AS_SURE if is_known else _NEARLY_AS_GOOD)
    ranges = best.whole.ranges
    added = 0
    for each in weighed[1:]:
        if added == _MOST or each.evidence.score < least or not _is_beside(each, best):
            continue
        more = joined_ranges((*ranges, *each.whole.ranges))
        if more != ranges and _size(more) <= _MOST_CHARACTERS:
            ranges, added = more, added + 1
    if not added:
        return best
    shown = without_gaps(ranges, partial(_is_short_prose, best.candidate.around))
    return replace(best, whole=replace(best.whole, ranges=shown))


def _has_list(best: Weighed) -> bool:
    """Whether an answer brings several list items or table rows, which are whole without more."""
    around = best.candidate.around
    shown = [block for start, end in best.whole.ranges for block in around.blocks_in(start, end)]
    return sum(block.kind in (Kind.ITEM, Kind.ROW) for block in shown) > 1


def _is_beside(other: Weighed, best: Weighed) -> bool:
    """Whether a candidate may stand beside the best: of its note, and as much to the point."""
    around = best.candidate.around
    first, last = other.whole.ranges[0][0], other.whole.ranges[-1][1]
    return (
        other.candidate.note_id == best.candidate.note_id
        and other.candidate.form is not Form.HEADING
        and not other.whole.is_cut
        and (other.evidence.has_kind >= best.evidence.has_kind or _is_better(other, best))
        and other.evidence.words >= _AS_MANY_WORDS * best.evidence.words
        and around.begin <= first
        and last <= around.begin + len(around.text)
    )


def _is_better(other: Weighed, best: Weighed) -> bool:
    """Whether a candidate scores higher than the best, which has the kind or form asked for."""
    return other.evidence.score > best.evidence.score


def _is_short_prose(around: Surroundings, start: int, end: int) -> bool:
    """Whether a part of a note is short, and no heading and no table row begins in it."""
    kinds = (Kind.HEADING, Kind.ROW)
    is_prose = not any(block.kind in kinds for block in around.blocks_in(start, end))
    return end - start <= _GAP and is_prose


def _size(ranges: Ranges) -> int:
    return sum(end - start for start, end in ranges)
