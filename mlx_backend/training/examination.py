"""The questions that were set aside, asked closed book before the training and after it."""

from __future__ import annotations

import time

import msgspec

from mlx_backend.dataset.samples import Dataset
from mlx_backend.exam import LONGEST_ANSWER, Item, Question, take_exam
from mlx_backend.inference import ChatModel
from mlx_backend.training.stopping import Check, never

# So many take about ten seconds each time on two cores, and are enough to tell 1 from 10.
_QUESTIONS = 24


class Examination(msgspec.Struct, frozen=True):
    """What was answered, and the seconds that it took."""

    items: tuple[Item, ...]
    seconds: float

    @property
    def right(self) -> int:
        """How many answers were right."""
        return sum(item.right for item in self.items)


def set_aside(dataset: Dataset) -> list[Question]:
    """Questions whose wording is not trained, though what they ask for is.

    An answer is right when it names what of the fact the question does not tell itself.
    """
    asked = [sample for sample in dataset.held_out if sample.key]
    return [Question(sample.prompt, (sample.key,)) for sample in asked[:_QUESTIONS]]


def examine(chat: ChatModel, questions: list[Question], check: Check = never) -> Examination:
    """Ask the model as it is now; `check` comes after each batch of answers."""
    began = time.perf_counter()
    items = take_exam(
        questions, lambda texts: chat.answer_all(texts, LONGEST_ANSWER, lambda *_: check())
    )
    return Examination(tuple(items), time.perf_counter() - began)
