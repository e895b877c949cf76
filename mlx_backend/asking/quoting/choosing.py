"""Answering by quoting what answers best: small models judge better than they write.

Asked for an answer, a small model copies the wrong words. Asked how likely the question is after
each statement, it finds the right one in 19 of 20 cases. So it only chooses, and every answer is in
the notes word for word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from mlx_backend.asking.question_kinds import wanted
from mlx_backend.asking.quoting.candidates import candidates_of, distinct
from mlx_backend.asking.quoting.evidence import Weighed, is_enough, unknown_things, weigh
from mlx_backend.asking.quoting.several import joined
from mlx_backend.asking.quoting.surroundings import NotesAround, alone
from mlx_backend.asking.quoting.wording import Quoted, worded
from mlx_backend.asking.retrieval import FoundPassage
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import WORDS_LOOKED_UP
from mlx_backend.text.words import end_of


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
    named = " ".join(f"{p.title} {p.heading} {p.text}" for p in passages)
    if not is_enough(weighed[0].evidence, unknown_things(question, named)):
        return None
    return worded(joined(question, weighed))


def weighed_candidates(
    loaded: LoadedModel,
    question: str,
    passages: Sequence[FoundPassage],
    around: NotesAround = alone,
) -> list[Weighed]:
    """All that could answer with the evidence for each, best first."""
    read = [around(passage) for passage in passages]
    asked = wanted(question)
    candidates = distinct([each for one in read for each in candidates_of(one, asked)])
    return weigh(loaded, question, candidates)
