"""Marks answers by their meaning: the base model judges them with the notes' words in view.

It reads question, the notes' answer and the given answer, and is asked whether both say the same:
the answer is right where "yes" is more likely than "no" by more than a threshold. A model leans to
one of the two words, so that the threshold is found by answers whose right mark is known. A model
that marks too many of those wrongly is no judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import mlx.core as mx

from mlx_backend.exam.marking import ExamQuestion
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import batched_logits
from mlx_backend.models.lora import switched_off
from mlx_backend.training.stop_requests import Check, never

LONGEST_KEY = 6
"""Most words of an answer that is marked by its words alone: a name, a date, an amount, a place."""

_LONGEST_SAID = 1500  # characters of what the notes say
_KNOWN = 16  # questions whose answers find the threshold
_LEAST_KNOWN = 4
_LEAST_RIGHT = 0.85
"""The share of the known answers that a judge has to mark right."""

_ASK = (
    "Question: {question}\n"
    "What the notes say: {said}\n"
    "An answer to mark: {text}\n\n"
    "Does this answer say the same as the notes in reply to the question? Reply with Yes or No."
)


@dataclass(frozen=True)
class Meanings:
    """For each question, whether the answers before and after the training mean what is right."""

    before: tuple[bool, ...]
    after: tuple[bool, ...]

    def of(self, number: int) -> tuple[bool, bool]:
        """The marks of one question: before, and after."""
        return self.before[number], self.after[number]


def meanings_of(
    loaded: LoadedModel,
    questions: Sequence[ExamQuestion],
    before: Sequence[str],
    after: Sequence[str],
    check: Check = never,
) -> Meanings | None:
    """Mark the answers before and after by their meaning; None where the model is no judge.

    The model judges as the base model, whatever adapter is on it. `check` is called between
    batches.
    """
    if len(questions) < _LEAST_KNOWN:
        return None
    known = _known(questions[:_KNOWN])
    given = [
        *zip(questions, before, strict=True),
        *zip(questions, after, strict=True),
    ]
    with switched_off(loaded.model):
        leanings = _leanings(loaded, [(q, text) for q, text, _ in known] + given, check)
    if leanings is None:
        return None
    threshold = _threshold(leanings[: len(known)], [is_right for _, _, is_right in known])
    if threshold is None:
        return None
    marks = [
        bool(text.strip()) and leaning > threshold
        for (_, text), leaning in zip(given, leanings[len(known) :], strict=True)
    ]
    return Meanings(tuple(marks[: len(questions)]), tuple(marks[len(questions) :]))


def _known(questions: Sequence[ExamQuestion]) -> list[tuple[ExamQuestion, str, bool]]:
    """Answers whose right marks are known: each question's own, and the next one's, which is wrong.

    In turns it is all that the notes say, or the key alone.
    """
    found = []
    for number, question in enumerate(questions):
        other = questions[(number + 1) % len(questions)]
        for each, is_right in ((question, True), (other, False)):
            found.append((question, each.said if number % 2 else each.answers[0], is_right))
    return found


def _threshold(leanings: Sequence[float], marks: Sequence[bool]) -> float | None:
    """The leaning to "yes" that parts right from wrong answers best; None where none does well."""
    order = sorted(zip(leanings, marks, strict=True))
    between = [(low + high) / 2 for (low, _), (high, _) in pairwise(order)]
    right = [sum((leaning > each) == mark for leaning, mark in order) for each in between]
    best = [each for each, number in zip(between, right, strict=True) if number == max(right)]
    return best[len(best) // 2] if max(right) >= _LEAST_RIGHT * len(order) else None


def _leanings(
    loaded: LoadedModel, given: Sequence[tuple[ExamQuestion, str]], check: Check
) -> list[float] | None:
    """For each answer, the log probability (nats) of "Yes" less that of "No".

    None for a tokenizer in which both begin alike.
    """
    prompts = [
        _ASK.format(question=q.text, said=q.said[:_LONGEST_SAID], text=text) for q, text in given
    ]
    encoded = list(_asked(loaded, prompts))
    if not encoded or encoded[0][1] == encoded[0][2]:
        return None
    found = [0.0] * len(encoded)
    for chosen, _, logits in batched_logits(loaded, [[*ids, yes] for ids, yes, _ in encoded]):
        check()
        for row, i in enumerate(chosen):
            ids, yes, no = encoded[i]
            last = logits[row, len(ids) - 1].astype(mx.float32)
            found[i] = float(last[yes] - last[no])
    return found


def _asked(loaded: LoadedModel, prompts: Sequence[str]) -> Iterator[tuple[list[int], int, int]]:
    """Each prompt's token ids, and the first tokens of both replies."""
    replies = [loaded.form.samples([(p, reply) for p in prompts]) for reply in ("Yes", "No")]
    for (ids, start), (other, other_start) in zip(*replies, strict=True):
        yield ids[:start], ids[start], other[other_start]
