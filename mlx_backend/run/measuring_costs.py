"""How long exams, general questions and choosing take with a model, from a small part of each."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.exam.marking import ExamQuestion
from mlx_backend.exam.probe import answer_losses, expected_probe_s, is_kept
from mlx_backend.exam.questions import exam_questions, expected_answer_time
from mlx_backend.exam.sizing import Costs, Measuring
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.inference import ChatModel

_FEW = 2  # texts, from which the time for all is estimated
# To judge an answer by its meaning, the model reads it with its question and what the notes say:
# about five times the question, of the answers before and after, and as many again to find out
# whether it can judge.
_READINGS_TO_JUDGE = 12


_EVERY = (1, 2, 4, 8)


def measured_costs(loaded: LoadedModel, dataset: Dataset, is_base: bool) -> Costs:
    """Measure; `is_base` tells that the model is the base model, whose probes are kept.

    Only of a model that reads answers are judged by their meaning, too.
    """
    loaded.model.eval()
    questions = exam_questions((*dataset.held_out, *dataset.choosing))
    answers = expected_answer_time(ChatModel(loaded), questions)
    from_passages = [ExamQuestion(s.prompt, (s.key,)) for s in dataset.open_book[:_FEW]]
    return Costs(
        answer=answers.answer,
        judging=answers.reading * _READINGS_TO_JUDGE if loaded.info.reads else 0.0,
        style=_style_s(loaded, dataset.style[:_FEW]),
        probe=expected_probe_s(loaded),
        open_book=expected_answer_time(ChatModel(loaded), from_passages).answer,
        kept=frozenset(every for every in _EVERY if is_base and is_kept(loaded, every)),
    )


def available(dataset: Dataset, every: int = 1) -> Measuring:
    """What there is to measure; `every` is the least of `Measuring.every`."""
    return Measuring(
        exam=len(exam_questions(dataset.held_out)),
        every=every,
        choosing=len(exam_questions(dataset.choosing)),
        style=len(dataset.style),
        open_book=len(dataset.open_book),
    )


def _style_s(loaded: LoadedModel, few: Sequence[Sample]) -> float:
    """The seconds of one text."""
    began = time.perf_counter()
    answer_losses(loaded, [(sample.prompt, sample.answer) for sample in few])
    return (time.perf_counter() - began) / max(1, len(few))
