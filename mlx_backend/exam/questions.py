"""The questions that were set aside, asked closed book before the training and after it."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from mlx_backend.dataset.samples import Dataset
from mlx_backend.exam.marking import LONGEST_ANSWER, ExamQuestion, Item, take_exam
from mlx_backend.models.inference import ChatModel
from mlx_backend.training.stopping import Check, never

# So many take about ten seconds each time on two cores, and are enough to tell 1 from 10.
_QUESTIONS = 24
_FIRST_TOKENS = 4


class Examination(msgspec.Struct, frozen=True):
    """What was answered, and the seconds that it took."""

    items: tuple[Item, ...]
    seconds: float

    @property
    def right(self) -> int:
        """How many answers were right."""
        return sum(item.right for item in self.items)


def set_aside(dataset: Dataset) -> list[ExamQuestion]:
    """Questions whose wording is not trained, though what they ask for is.

    An answer is right when it names what of the fact the question does not tell itself.
    """
    asked = [sample for sample in dataset.held_out if sample.key]
    return [ExamQuestion(sample.prompt, (sample.key,)) for sample in asked[:_QUESTIONS]]


def expected_exam_s(chat: ChatModel, questions: list[ExamQuestion]) -> float:
    """About how long `examine` takes, from the first words of each answer."""
    texts = [question.text for question in questions]
    chat.answer_all(texts[:1], 1)  # what has to be compiled is not counted
    first = _time_of(lambda: chat.answer_all(texts, 1))
    more = _time_of(lambda: chat.answer_all(texts, 1 + _FIRST_TOKENS)) - first
    return first + max(0.0, more) / _FIRST_TOKENS * (LONGEST_ANSWER - 1)


def _time_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def examine(chat: ChatModel, questions: list[ExamQuestion], check: Check = never) -> Examination:
    """Ask the model as it is now; `check` comes after each batch of answers."""
    began = time.perf_counter()
    items = take_exam(
        questions, lambda texts: chat.answer_all(texts, LONGEST_ANSWER, lambda *_: check())
    )
    return Examination(tuple(items), time.perf_counter() - began)
