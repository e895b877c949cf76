"""The questions that a run set aside, asked before its training and after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from mlx_backend.dataset.samples import Sample
from mlx_backend.exam.marking import LONGEST_ANSWER, ExamQuestion, Item, mark
from mlx_backend.jobs.pieces import FIRST, pieces
from mlx_backend.models.inference import ChatModel
from mlx_backend.training.stop_requests import Check, never

_MOST_AT_ONCE = 32
_FIRST_TOKENS = 4

Heard = Callable[[Sequence[Item], int, int], object]
"""Gets the marked answers of a batch, and how many questions are answered by then, of how many."""


def _ignore(*_: object) -> None:
    """Where nobody listens."""


def _is_never_over(_: int) -> bool:
    return False


class Examination(msgspec.Struct, frozen=True):
    """The marked answers of an exam, and the seconds that it took."""

    items: tuple[Item, ...]
    seconds: float

    @property
    def right(self) -> int:
        """The number of right answers."""
        return sum(item.right for item in self.items)


def exam_questions(held_out: Sequence[Sample]) -> list[ExamQuestion]:
    """Questions of held-out samples: other wordings of facts that are trained.

    An answer is right if it has the key, the part of the fact that the question leaves out.
    """
    return [
        ExamQuestion(sample.prompt, (sample.key,), sample.answer, sample.by_other)
        for sample in held_out
        if sample.key
    ]


class AnswerTime(msgspec.Struct, frozen=True):
    """Estimated seconds a question: to read it (the first token), and until its answer ends."""

    reading: float = 0.0
    answer: float = 0.0


def expected_answer_time(chat: ChatModel, questions: Sequence[ExamQuestion]) -> AnswerTime:
    """Estimated from the first tokens of the answers to a small batch of questions."""
    texts = [question.text for question in questions[:FIRST]]
    if not texts:
        return AnswerTime()
    chat.answer_all(texts[:1], 1)  # warm up: compilation does not count
    first = _time_of(lambda: chat.answer_all(texts, 1))
    more = _time_of(lambda: chat.answer_all(texts, 1 + _FIRST_TOKENS)) - first
    whole = first + max(0.0, more) / _FIRST_TOKENS * (LONGEST_ANSWER - 1)
    return AnswerTime(first / len(texts), whole / len(texts))


def _time_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def examine(
    chat: ChatModel,
    questions: Sequence[ExamQuestion],
    heard: Heard = _ignore,
    check: Check = never,
    is_over: Callable[[int], bool] = _is_never_over,
) -> Examination:
    """Examine the model as it is, batch by batch.

    After each batch `heard` gets its answers, and `check` is called. Once `is_over` says so of the
    number of answers, the other questions are not asked.
    """
    began = time.perf_counter()
    items: list[Item] = []
    for piece in pieces(len(questions), _MOST_AT_ONCE):
        asked = [questions[i] for i in piece]
        texts = chat.answer_all([question.text for question in asked], LONGEST_ANSWER)
        marked = [mark(question, text) for question, text in zip(asked, texts, strict=True)]
        items += marked
        heard(marked, len(items), len(questions))
        check()
        if is_over(len(items)):
            break
    return Examination(tuple(items), time.perf_counter() - began)


def count_right(chat: ChatModel, questions: Sequence[ExamQuestion], check: Check = never) -> int:
    """How many questions the model answers right; always in the same batches.

    What is computed in other batches can differ in the last bits, and here a resumed run must come
    to the same number. Calls `check` before each batch.
    """
    right = 0
    for first in range(0, len(questions), FIRST):
        check()
        some = questions[first : first + FIRST]
        texts = chat.answer_all([question.text for question in some], LONGEST_ANSWER)
        right += sum(mark(q, text).right for q, text in zip(some, texts, strict=True))
    return right
