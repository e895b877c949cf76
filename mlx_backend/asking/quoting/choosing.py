"""Answering by quoting what answers best: small models judge better than they write.

Asked for an answer, a small model copies the wrong words. Asked how likely the question is after
each statement, it finds the right one in 19 of 20 cases. So it only chooses, and every answer is in
the notes word for word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from mlx_backend.asking.meaning import unmeant
from mlx_backend.asking.question_kinds import Wanted, wanted
from mlx_backend.asking.quoting.candidates import candidates_of, distinct
from mlx_backend.asking.quoting.evidence import (
    Weighed,
    asks_for_owned,
    has_unknown_code,
    is_enough,
    unknown_things,
    weigh,
)
from mlx_backend.asking.quoting.several import joined
from mlx_backend.asking.quoting.surroundings import NotesAround, alone
from mlx_backend.asking.quoting.wording import Quoted, worded
from mlx_backend.asking.retrieval import FoundPassage
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import WORDS_LOOKED_UP
from mlx_backend.text.words import end_of

_REACH = 1_200
"""Characters of the note on both sides of a passage in which the answer may stand, too: the words
of a question are often where a note begins, and the answer is where it goes on."""

_FOR_FORM = 1.0
"""How much less good one may be that has the kind or form asked for, in nats a token."""


def quote(
    loaded: LoadedModel,
    question: str,
    passages: Sequence[FoundPassage],
    around: NotesAround = alone,
) -> Quoted | None:
    """What in the passages answers best, with all that belongs to it; None if nothing does.

    loaded: the base model without adapters, which would judge by what they remember. around: reads
    the notes around the passages; without it they are read alone.
    """
    # Composed, because words with accents are compared.
    question = unicodedata.normalize("NFC", end_of(question, WORDS_LOOKED_UP))
    weighed = weighed_candidates(loaded, question, passages, around)
    if not weighed:
        return None
    weighed = _in_the_form_asked_for(weighed, wanted(question))
    named = " ".join(f"{p.title} {p.heading} {p.text}" for p in passages)
    read = " ".join([named, *(each.candidate.text for each in weighed)])
    if has_unknown_code(question, read) or not _is_told(question, weighed[0], named):
        return None
    return worded(joined(question, weighed))


def _is_told(question: str, best: Weighed, named: str) -> bool:
    """Whether the best candidate tells what is asked; `named`: the text of all passages."""
    strange = unknown_things(question, named)
    if is_enough(best.evidence, strange, question):
        return True
    if not strange or asks_for_owned(question, strange) or not best.candidate.is_english:
        return False
    return is_enough(best.evidence, unmeant(strange, named), question)


def _in_the_form_asked_for(weighed: list[Weighed], asked: Wanted) -> list[Weighed]:
    """The same, with the best of the best one's note first that has what is asked for.

    That is an answer of the kind, or the steps, list or reason. Where a note begins, it often
    repeats the question, and gives the answer further down.
    """
    best = weighed[0]
    note, least = best.candidate.note_id, best.evidence.score - _FOR_FORM
    near = [
        each for each in weighed if each.candidate.note_id == note and each.evidence.score >= least
    ]
    told: list[Weighed] = []
    if not best.evidence.has_kind:
        told = [each for each in near if each.evidence.has_kind]
    elif asked is not Wanted.ANY and not best.evidence.has_form:
        told = [each for each in near if each.evidence.has_form]
        if not told and asked is Wanted.STEPS:
            told = [each for each in near if _has_code_within(each)]
    return [*told[:1], *(each for each in weighed if each not in told[:1])]


def _has_code_within(weighed: Weighed) -> bool:
    """Whether a statement names a command or a key in code marks, which may be the only step."""
    around = weighed.candidate.around
    return any("`" in around.shown(start, end) for start, end in weighed.whole.ranges)


def weighed_candidates(
    loaded: LoadedModel,
    question: str,
    passages: Sequence[FoundPassage],
    around: NotesAround = alone,
) -> list[Weighed]:
    """All that could answer with the evidence for each, best first."""
    read = [around(passage).reaching(_REACH) for passage in passages]
    asked = wanted(question)
    candidates = distinct([each for one in read for each in candidates_of(one, asked)])
    return weigh(loaded, question, candidates)
