"""The exam of set-aside questions: batch by batch, so that it shows life and can be ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import pytest

from mlx_backend.dataset.samples import Sample
from mlx_backend.exam.marking import ExamQuestion, Item
from mlx_backend.exam.questions import count_right, exam_questions, examine, expected_answer_time
from mlx_backend.jobs.pieces import FIRST
from mlx_backend.models.inference import ChatModel
from mlx_backend.training.stop_requests import StoppedEarly

QUESTIONS = [ExamQuestion(f"Question {i}?", (f"answer {i}",)) for i in range(20)]


class Answerer:
    """Answers every second question right."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def answer_all(self, prompts: Sequence[str], *_: object) -> list[str]:
        self.batches.append(len(prompts))
        numbers = [int(prompt.split()[1].strip("?")) for prompt in prompts]
        return [f"The answer {i}." if i % 2 else "No idea." for i in numbers]

    @property
    def chat(self) -> ChatModel:
        return cast(ChatModel, self)


def test_each_batch_is_heard_as_it_is_marked() -> None:
    heard: list[tuple[int, int, int]] = []

    def hear(items: Sequence[Item], done: int, total: int) -> None:
        heard.append((len(items), done, total))

    found = examine(Answerer().chat, QUESTIONS, hear)
    assert heard == [(8, 8, 20), (12, 20, 20)]
    assert [item.question for item in found.items] == [q.text for q in QUESTIONS]
    assert found.right == 10


def test_it_ends_between_batches() -> None:
    answerer = Answerer()

    def stop() -> None:
        raise StoppedEarly

    with pytest.raises(StoppedEarly):
        examine(answerer.chat, QUESTIONS, check=stop)
    assert answerer.batches == [FIRST]


def test_out_of_time_the_other_questions_are_not_asked() -> None:
    answerer = Answerer()
    found = examine(answerer.chat, QUESTIONS, is_over=lambda done: done >= FIRST)
    assert len(found.items) == FIRST
    assert answerer.batches == [FIRST]


def test_what_chooses_is_always_asked_in_the_same_batches() -> None:
    """Another batch can give other last bits; a resumed run must choose the same state."""
    answerer = Answerer()
    checks: list[int] = []
    assert count_right(answerer.chat, QUESTIONS, lambda: checks.append(1)) == 10
    assert answerer.batches == [8, 8, 4]
    assert len(checks) == 3


@pytest.mark.parametrize("number", [0, 1, 20])
def test_the_time_for_an_answer_is_estimated(number: int) -> None:
    answerer = Answerer()
    time = expected_answer_time(answerer.chat, QUESTIONS[:number])
    assert time.answer >= time.reading >= 0
    assert max(answerer.batches, default=0) <= FIRST, "a small batch is enough"


def test_questions_are_held_out_samples_with_a_key() -> None:
    make: Callable[..., Sample] = Sample
    held_out = [
        make("Who?", "Lamp: Ida lit it.", 1, 1, "name", "Ida", by_other=True),
        make("What?", "Lamp: It is red.", 1, 1, "restated"),
    ]
    assert exam_questions(held_out) == [ExamQuestion("Who?", ("Ida",), "Lamp: Ida lit it.", True)]
