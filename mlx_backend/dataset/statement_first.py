"""The order of the answers that a model learns to quote: the statement, then its note's title.

In the library the title comes first, as a person reads it. But a model that says the title first
has to decide on a note before it has said a word of the fact, and notes of one kind have titles
that tell little apart ("Work log, March", "Work log, April"). A question's words lead to those of
the statement, and the statement leads to its note.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from mlx_backend.dataset.samples import Sample, fact_of
from mlx_backend.library.notes import Passage


def with_statements_first(
    samples: Sequence[Sample], passages: Iterable[Passage] = ()
) -> list[Sample]:
    """The samples; an answer about a fact that begins with a title has it at the end, in brackets.

    The title is that of the note or the topic of the passage. What stands in a note stays as it is,
    also where it begins with the title; so do samples of no passage among the `passages`.
    """
    by_id = {passage.id: passage for passage in passages}
    return [
        msgspec.structs.replace(sample, answer=_turned(sample.answer, passage))
        if (passage := by_id.get(sample.passage)) and _has_title_before(sample)
        else sample
        for sample in samples
    ]


def without_titles(samples: Iterable[Sample], passages: Iterable[Passage]) -> list[Sample]:
    """The samples; an answer about a fact that begins with a title is the statement alone."""
    by_id = {passage.id: passage for passage in passages}
    return [
        msgspec.structs.replace(sample, answer=_said(sample.answer, passage))
        if (passage := by_id.get(sample.passage)) and _has_title_before(sample)
        else sample
        for sample in samples
    ]


def statement_first(answer: str, title: str) -> str:
    """An answer with the title at its end that stood, with a colon, at its beginning."""
    said = answer.removeprefix(f"{title}: ")
    return f"{said} ({title})" if said and said != answer else answer


def _turned(answer: str, passage: Passage) -> str:
    found = statement_first(answer, passage.topic)
    return found if found != answer else statement_first(answer, passage.note_title)


def _said(answer: str, passage: Passage) -> str:
    said = answer.removeprefix(f"{passage.topic}: ")
    return said if said != answer else answer.removeprefix(f"{passage.note_title}: ") or answer


def _has_title_before(sample: Sample) -> bool:
    """Whether the answer is not the quote alone, which may begin with the words of the title."""
    return bool(sample.fact) and sample.fact != fact_of(sample.note, sample.answer)
