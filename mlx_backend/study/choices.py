"""What the person chose about samples, where their passages or the note's title changed since."""

from __future__ import annotations

from collections.abc import Sequence

from mlx_backend.library.notes import Passage
from mlx_backend.library.samples import Samples, digest
from mlx_backend.study.by_rule import rule_writer
from mlx_backend.study.by_rule.rule_writer import QuotedStatement


def carry_over(samples: Samples, notes: Sequence[Sequence[Passage]]) -> None:
    """Bring changed samples to where the words that they quote stand now.

    Those whose words are gone stay with the old passage, and count again should it come back. So do
    those about words of which the person chose something else where they stand now.
    """
    astray = samples.astray((p.note_id, digest(p)) for note in notes for p in note)
    for note in notes:
        found = astray.get(note[0].note_id)
        if not found:
            continue
        stated = rule_writer.quoted_statements(note)
        settled = [samples.changed(passage) for passage in note]
        for sample in found:
            places = (
                passage
                for passage, each, chosen in zip(note, stated, settled, strict=True)
                if _states(each, sample.quote) and sample.about not in chosen
            )
            if (place := next(places, None)) is not None:
                samples.carry(sample, place)


def _states(stated: Sequence[QuotedStatement], quote: str) -> bool:
    """Whether a passage states the words; a summary quotes all that its passage states."""
    whole = " ".join(each.statement.text for each in stated)
    return f" {quote} " in f" {whole} " or any(each.quote == quote for each in stated)
