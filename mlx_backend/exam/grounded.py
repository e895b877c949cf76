"""The open-book exam: each question is answered from the passages that retrieval finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlx_backend.asking.answerability import tells
from mlx_backend.asking.answering import quoted_text, reader_of
from mlx_backend.asking.grounding import (
    Grounding,
    citations_of,
    ground,
    ground_reader,
    without_marks,
)
from mlx_backend.asking.quoting import quote
from mlx_backend.asking.quoting.surroundings import notes_around
from mlx_backend.asking.retrieval import Retriever
from mlx_backend.exam.marking import LONGEST_ANSWER, ExamQuestion, Item, mark
from mlx_backend.models.inference import ChatModel
from mlx_backend.protocol import DECLINED, Turn

_AT_ONCE = 32  # questions


def take_grounded_exam(
    questions: Sequence[ExamQuestion],
    model: ChatModel,
    retriever: Retriever,
    answer_all: Callable[[Sequence[str]], Sequence[str]],
    heard: Callable[[Item], object] = lambda _: None,
) -> list[Item]:
    """Answer every question from its passages, and mark the answers.

    answer_all: generates answers to prompts, for models that read; others quote. `heard` gets each
    marked answer as soon as it is there.
    """
    if not model.info.reads:
        return _take_quoted_exam(questions, model, retriever, heard)
    items: list[Item] = []
    for first in range(0, len(questions), _AT_ONCE):
        some = questions[first : first + _AT_ONCE]
        for item in _worded(some, model, retriever, answer_all):
            items.append(item)
            heard(item)
    return items


def _worded(
    questions: Sequence[ExamQuestion],
    model: ChatModel,
    retriever: Retriever,
    answer_all: Callable[[Sequence[str]], Sequence[str]],
) -> Iterator[Item]:
    reader = reader_of(model, LONGEST_ANSWER)

    def grounded(question: str) -> Grounding:
        found = ground_reader(retriever, [Turn(role="user", text=question)], reader)
        is_told = found.is_answerable and tells(model, found)
        return found if is_told else Grounding((), ())

    groundings = [grounded(question.text) for question in questions]
    prompts = [grounding.turns[-1].text for grounding in groundings if grounding.is_answerable]
    texts = iter(answer_all(prompts))
    for question, grounding in zip(questions, groundings, strict=True):
        text = next(texts) if grounding.is_answerable else DECLINED
        citations = citations_of(text, grounding.sources)
        yield mark(question, without_marks(text), citations)


def _take_quoted_exam(
    questions: Sequence[ExamQuestion],
    model: ChatModel,
    retriever: Retriever,
    heard: Callable[[Item], object],
) -> list[Item]:
    items = []
    around = notes_around(retriever.connection)
    with model.as_base() as base:
        for question in questions:
            passages = ground(retriever, [Turn(role="user", text=question.text)]).passages
            text, citations = quoted_text(quote(base, question.text, passages, around))
            items.append(mark(question, text, citations))
            heard(items[-1])
    return items
