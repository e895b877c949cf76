"""The person's choices about samples, carried over when a passage or its note's title changes."""

from __future__ import annotations

from collections.abc import Sequence

from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import GENRES
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import StoredSample, digest
from mlx_backend.study.by_rule import rule_writer
from mlx_backend.study.by_rule.rule_writer import QuotedStatement


def carry_over(samples: Samples, notes: Sequence[Sequence[Passage]]) -> None:
    """Move samples that the person changed to the passages that have their quoted words now.

    notes: the passages of each note in use. A sample stays with its old passage, for the case that
    this comes back, if no passage has its words, or if the person chose something else about the
    same words where they are now.
    """
    elsewhere = samples.changed_elsewhere((p.note_id, digest(p)) for note in notes for p in note)
    for note in notes:
        found = elsewhere.get(note[0].note_id)
        if not found:
            continue
        stated = rule_writer.quoted_statements(note)
        settled = [samples.changed(passage) for passage in note]
        for sample in found:
            places = (
                passage
                for passage, each, chosen in zip(note, stated, settled, strict=True)
                if _has(passage, each, sample) and sample.about not in chosen
            )
            if (place := next(places, None)) is not None:
                samples.move(sample, place)


def _has(passage: Passage, stated: Sequence[QuotedStatement], sample: StoredSample) -> bool:
    """Whether a passage has the words that a sample quotes: a reader's, as they stand in it."""
    if sample.kind in GENRES:
        return sample.quote in passage.text
    return _states(stated, sample.quote)


def _states(stated: Sequence[QuotedStatement], quote: str) -> bool:
    """Whether a passage has the quote: in one statement, or across some as a summary does."""
    whole = " ".join(each.statement.text for each in stated)
    return f" {quote} " in f" {whole} " or any(each.quote == quote for each in stated)
