"""The exam of a run: the held-out questions, asked closed-book before and after training."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from mlx_backend.dataset.samples import Dataset
from mlx_backend.exam.marking import LONGEST_ANSWER, ExamQuestion, Item, take_exam
from mlx_backend.models.inference import ChatModel
from mlx_backend.training.stopping import Check, never

# These take about ten seconds on two cores, and are enough to distinguish 1 right from 10.
_QUESTIONS = 24
_FIRST_TOKENS = 4


class Examination(msgspec.Struct, frozen=True):
    """The marked answers of an exam, and the seconds that it took."""

    items: tuple[Item, ...]
    seconds: float

    @property
    def right(self) -> int:
        """The number of right answers."""
        return sum(item.right for item in self.items)


def exam_questions(dataset: Dataset) -> list[ExamQuestion]:
    """The questions of a run's exam: held-out wordings of facts that are trained.

    An answer is right if it has the key, the part of the fact that the question leaves out.
    """
    asked = [sample for sample in dataset.held_out if sample.key]
    return [ExamQuestion(sample.prompt, (sample.key,)) for sample in asked[:_QUESTIONS]]


def expected_exam_s(chat: ChatModel, questions: list[ExamQuestion]) -> float:
    """Estimated seconds of `examine`, from the times of the first tokens of each answer."""
    texts = [question.text for question in questions]
    chat.answer_all(texts[:1], 1)  # warm up: compilation does not count
    first = _time_of(lambda: chat.answer_all(texts, 1))
    more = _time_of(lambda: chat.answer_all(texts, 1 + _FIRST_TOKENS)) - first
    return first + max(0.0, more) / _FIRST_TOKENS * (LONGEST_ANSWER - 1)


def _time_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def examine(chat: ChatModel, questions: list[ExamQuestion], check: Check = never) -> Examination:
    """Examine the model as it is; calls `check` after each batch of answers."""
    began = time.perf_counter()
    items = take_exam(
        questions, lambda texts: chat.answer_all(texts, LONGEST_ANSWER, lambda *_: check())
    )
    return Examination(tuple(items), time.perf_counter() - began)
