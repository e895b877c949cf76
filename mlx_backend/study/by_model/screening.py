"""Screening the questions of the rules with the base model: it drops those that it finds unlikely.

Thresholds are mean log-probabilities in nats a token, measured on real notes: two in three of the
questions below them were incomplete or worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from mlx_backend.library import drop_reasons
from mlx_backend.library.stored_samples import StoredSample
from mlx_backend.models.likelihood import Reading
from mlx_backend.study.by_model.writer import Writer
from mlx_backend.study.by_rule import rule_writer
from mlx_backend.study.by_rule.statement_questions import NAMED_KINDS
from mlx_backend.study.by_rule.twins import twin_key

_AT_ONCE = 64
_WORST_READING = -6.5  # of a question's tokens
_WORST_END = -4.0  # that the question ends where it does
_BELOW_USUAL_END = -3.0  # the same, relative to the median of the questions screened with it


def screen(
    writer: Writer, samples: Sequence[StoredSample], is_over: Callable[[], bool]
) -> list[tuple[int, str]] | None:
    """The ids of the rules' samples, each with the reason to drop it, "" to keep it.

    Of twins, the one that the model finds likelier stays. Samples that the person changed are not
    screened. Returns None when `is_over` before all are read.
    """
    own = [s for s in samples if s.writer == rule_writer.WRITER and not s.choice]
    found: list[Reading] = []
    for first in range(0, len(own), _AT_ONCE):
        if is_over():
            return None
        chosen = own[first : first + _AT_ONCE]
        found += writer.weigh([(sample.quote, sample.prompt) for sample in chosen])
    return list(_judged(own, found))


def _judged(own: Sequence[StoredSample], found: Sequence[Reading]) -> Iterator[tuple[int, str]]:
    best: dict[tuple[str, str], float] = {}
    for sample, reading in zip(own, found, strict=True):
        twin = twin_key(sample.prompt, sample.quote)
        best[twin] = max(reading.mean, best.get(twin, reading.mean))
    usual_end = median(reading.end for reading in found) if found else 0.0
    worst_end = min(_WORST_END, usual_end + _BELOW_USUAL_END)
    for sample, reading in zip(own, found, strict=True):
        is_worse_twin = reading.mean < best[twin_key(sample.prompt, sample.quote)]
        is_bad = reading.mean < _WORST_READING or reading.end < worst_end
        if is_bad and sample.kind not in NAMED_KINDS:
            yield sample.id, drop_reasons.READS_BADLY
        else:
            yield sample.id, drop_reasons.READS_WORSE if is_worse_twin else ""
