"""The order of the answers that a model learns to quote: the statement, then its note's title.

In the library the title comes first, as a person reads it. But a model that says the title first
has to decide on a note before it has said a word of the fact, and notes of one kind have titles
that tell little apart ("Work log, March", "Work log, April"). A question's words lead to those of
the statement, and the statement leads to its note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from mlx_backend.dataset.samples import OF_SEVERAL_NOTES, Sample


def with_statements_first(samples: Sequence[Sample], titles: Mapping[int, str]) -> list[Sample]:
    """The samples; each answer that begins with its note's title has it at the end, in brackets.

    `titles` are those of the notes, by id. Answers with words of several notes stay as they are.
    """
    return [
        msgspec.structs.replace(sample, answer=statement_first(sample.answer, title))
        if (title := titles.get(sample.note, "")) and sample.kind not in OF_SEVERAL_NOTES
        else sample
        for sample in samples
    ]


def statement_first(answer: str, title: str) -> str:
    """An answer with the title at its end that stood, with a colon, at its beginning."""
    said = answer.removeprefix(f"{title}: ")
    return f"{said} ({title})" if said and said != answer else answer
