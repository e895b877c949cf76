"""The open-book exam: each question is answered from the passages that retrieval finds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from mlx_backend.asking.answerability import told
from mlx_backend.asking.answering import quoted_text, reader_of
from mlx_backend.asking.grounding import (
    citations_of,
    ground,
    ground_reader,
    is_declined,
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
    """As `answering.answer_from_notes` answers, in batches."""
    reader = reader_of(model, LONGEST_ANSWER)
    groundings = [
        ground_reader(retriever, [Turn(role="user", text=question.text)], reader)
        for question in questions
    ]
    book = model.open_book
    with model.as_base():
        founds = [told(model, each, book) for each in groundings]
    prompts = {
        place: each.turns[-1].text
        for place, (each, found) in enumerate(zip(groundings, founds, strict=True))
        if each.is_answerable and found.is_told
    }
    texts = _answers(model, prompts, {place: founds[place].odds for place in prompts}, answer_all)
    for place, (question, grounding) in enumerate(zip(questions, groundings, strict=True)):
        text = texts.get(place, DECLINED)
        citations = citations_of(text, grounding.sources)
        yield mark(question, without_marks(text), citations)


def _answers(
    model: ChatModel,
    prompts: Mapping[int, str],
    odds: Mapping[int, float | None],
    answer_all: Callable[[Sequence[str]], Sequence[str]],
) -> dict[int, str]:
    """The answers to prompts by number, worded by the adapter or the base model."""
    book = model.open_book
    with model.as_base() if book.by_base else contextlib.nullcontext():
        texts = dict(zip(prompts, answer_all(list(prompts.values())), strict=True))
    if not book.by_base:
        again = [n for n, text in texts.items() if is_declined(text) and book.goes_again(odds[n])]
        if again:
            with model.as_base():
                texts |= zip(again, answer_all([prompts[n] for n in again]), strict=True)
    return texts


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
