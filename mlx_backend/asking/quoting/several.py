"""Answers from several notes: where the question names several things, or notes contradict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlx_backend.asking.question_kinds import Wanted, asked_kind, wanted
from mlx_backend.asking.quoting.evidence import Weighed
from mlx_backend.asking.quoting.next_best import with_next_best
from mlx_backend.asking.retrieval import content_words
from mlx_backend.text.answer_kinds import AnswerKind
from mlx_backend.text.dictionary import stem
from mlx_backend.text.stems import stems
from mlx_backend.text.words import folded_words

MOST_NOTES = 3
_SEVERAL = re.compile(
    r"\b(?:compare|comparison|differences?|differ|both|versus|vs\.?)\b", re.IGNORECASE
)
_AND = re.compile(r"\s(?:and|or|versus|vs\.?|than|from)\s", re.IGNORECASE)
# One thing may be in several places, and be told of in other words.
_NEVER_CONTRADICT = frozenset({"place"})
# How much less good than the best an answer of another note may be, in nats a token.
_AS_GOOD = 0.5
_AS_MANY_WORDS = 0.9


@dataclass(frozen=True)
class Joined:
    """The answers of one or more notes; `contradict` says that they tell different things."""

    parts: tuple[Weighed, ...]
    contradict: bool = False


def joined(question: str, weighed: Sequence[Weighed]) -> Joined:
    """The best candidate, and those of other notes that the answer is not whole without.

    weighed: best first.
    """
    best = weighed[0]
    others = list(_best_of_other_notes(best, weighed))
    if against := _contradicting(question, best, others):
        dated = sorted([best, against], key=lambda each: -each.candidate.around.dated)
        return Joined(tuple(dated), contradict=True)
    if (things := _two_things(question)) and (pair := _one_of_each(things, weighed)):
        return Joined(pair)
    if wanted(question) is Wanted.LIST and not best.evidence.has_form:
        also = [each for each in others if _is_as_good(each, best)]
        return Joined((best, *also[: MOST_NOTES - 1]))
    return Joined((with_next_best(question, weighed),))


def _best_of_other_notes(best: Weighed, weighed: Sequence[Weighed]) -> Iterator[Weighed]:
    seen = {best.candidate.note_id}
    for each in weighed:
        note = each.candidate.note_id
        if note not in seen:
            seen.add(note)
            yield each


def _is_as_good(other: Weighed, best: Weighed) -> bool:
    one, two = other.evidence, best.evidence
    return (
        one.score >= two.score - _AS_GOOD
        and one.words >= _AS_MANY_WORDS * two.words
        and one.has_kind == two.has_kind
    )


def _contradicting(question: str, best: Weighed, others: Sequence[Weighed]) -> Weighed | None:
    """The best candidate of another note that gives another answer of the kind asked for."""
    kind = asked_kind(question)
    if kind is None or kind.in_statement is None or not best.evidence.words:
        return None
    if kind.name in _NEVER_CONTRADICT:
        return None
    asked = frozenset(folded_words(question))
    own = _keys(kind, best.candidate.text, asked)
    for each in others:
        keys = _keys(kind, each.candidate.text, asked)
        if own and keys and not own & keys and _is_as_good(each, best):
            return each
    return None


def _keys(kind: AnswerKind, statement: str, asked: frozenset[str]) -> frozenset[str]:
    """The words of a statement that answer a question of the kind, without those it asks with."""
    if kind.in_statement is None:
        return frozenset()
    found = set()
    for match in kind.in_statement.finditer(statement):
        start, end = match.span()
        while start > 0 and not statement[start - 1].isspace():
            start -= 1
        while end < len(statement) and not statement[end].isspace():
            end += 1
        found.update(folded_words(statement[start:end]))
    return frozenset(found - asked)


def _two_things(question: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The stems of two things that a question names, where it asks for both; else None."""
    parts = _AND.split(question)
    if len(parts) != 2 or not (_SEVERAL.search(question) or wanted(question) is Wanted.LIST):
        return None
    one = [stem(word) for word in content_words(_SEVERAL.sub(" ", parts[0]))]
    two = [stem(word) for word in content_words(_SEVERAL.sub(" ", parts[1]))]
    if not one or not two:
        return None
    return frozenset(one[-1:]), frozenset(two[:1])


def _one_of_each(
    things: tuple[frozenset[str], frozenset[str]], weighed: Sequence[Weighed]
) -> tuple[Weighed, ...] | None:
    """The best candidate about each of two things; None where one tells of both."""
    found = []
    for own, other in (things, things[::-1]):
        about = (each for each in weighed if own <= _stems(each))
        best = next(about, None)
        if best is None or other <= _stems(best):
            return None
        found.append(best)
    is_one_note = len({each.candidate.note_id for each in found}) == 1
    return None if is_one_note and found[0] is found[1] else tuple(found)


def _stems(weighed: Weighed) -> frozenset[str]:
    return stems(f"{weighed.candidate.title} {weighed.candidate.text}")
