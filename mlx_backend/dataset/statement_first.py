"""The order of the answers that a model learns to quote: the statement, then its note's title.

In the library the title comes first, as a person reads it. But a model that says the title first
has to decide on a note before it has said a word of the fact, and notes of one kind have titles
that tell little apart ("Work log, March", "Work log, April"). A question's words lead to those of
the statement, and the statement leads to its note.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mlx_backend.dataset.samples import Sample, fact_of
from mlx_backend.library.notes import Passage

_AT_THE_END = "{said} ({title})"


def with_statements_first(
    samples: Iterable[Sample], passages: Iterable[Passage] = ()
) -> list[Sample]:
    """The samples; an answer about a fact that begins with a title has it at the end, in brackets.

    The title is that of the note or the topic of the passage. What stands in a note stays as it is,
    also where it begins with the title; so do samples of no passage among the `passages`.
    """
    return _with_titles(samples, passages, _AT_THE_END)


def without_titles(samples: Iterable[Sample], passages: Iterable[Passage]) -> list[Sample]:
    """The same without the title: for a model that reads, whose own answers have none."""
    return _with_titles(samples, passages, "{said}")


def statement_first(answer: str, title: str) -> str:
    """An answer with the title at its end that stood, with a colon, at its beginning."""
    said = _said(answer, title)
    return _AT_THE_END.format(said=said, title=title) if said else answer


def _with_titles(samples: Iterable[Sample], passages: Iterable[Passage], form: str) -> list[Sample]:
    by_id = {passage.id: passage for passage in passages}
    return [
        _formed(sample, passage, form)
        if (passage := by_id.get(sample.passage)) and _has_title_before(sample)
        else sample
        for sample in samples
    ]


def _formed(sample: Sample, passage: Passage, form: str) -> Sample:
    for title in (passage.topic, passage.note_title):
        if said := _said(sample.answer, title):
            return msgspec.structs.replace(sample, answer=form.format(said=said, title=title))
    return sample


def _said(answer: str, title: str) -> str:
    """What an answer says after a title; "" where it does not begin with that."""
    said = answer.removeprefix(f"{title}: ")
    return said if said != answer else ""


def _has_title_before(sample: Sample) -> bool:
    """Whether the answer is not the quote alone, which may begin with the words of the title."""
    return bool(sample.fact) and sample.fact != fact_of(sample.note, sample.answer)
