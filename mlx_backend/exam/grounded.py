"""The open-book exam: each question is answered from the passages that retrieval finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlx_backend.asking.answering import fitting_prompts, quoted_text
from mlx_backend.asking.grounding import citations_of, ground, without_marks
from mlx_backend.asking.quoting import quote
from mlx_backend.asking.quoting.surroundings import notes_around
from mlx_backend.asking.retrieval import Retriever
from mlx_backend.exam.marking import LONGEST_ANSWER, ExamQuestion, Item, mark
from mlx_backend.models.inference import ChatModel
from mlx_backend.protocol import DECLINED, Turn


def take_grounded_exam(
    questions: Sequence[ExamQuestion],
    model: ChatModel,
    retriever: Retriever,
    answer_all: Callable[[Sequence[str]], Sequence[str]],
    on_progress: Callable[[int], object] = lambda _: None,
) -> list[Item]:
    """Answer every question from its passages, and mark the answers.

    answer_all: generates answers to prompts, for models that read; others quote. `on_progress`
    receives the number of questions done, if the model quotes.
    """
    if not model.info.reads:
        return _take_quoted_exam(questions, model, retriever, on_progress)
    fits = fitting_prompts(model, LONGEST_ANSWER)
    groundings = [ground(retriever, [Turn(role="user", text=q.text)], fits) for q in questions]
    prompts = [grounding.turns[-1].text for grounding in groundings if grounding.is_answerable]
    texts = iter(answer_all(prompts))
    items = []
    for question, grounding in zip(questions, groundings, strict=True):
        text = next(texts) if grounding.is_answerable else DECLINED
        citations = citations_of(text, grounding.passages)
        items.append(mark(question, without_marks(text), citations))
    return items


def _take_quoted_exam(
    questions: Sequence[ExamQuestion],
    model: ChatModel,
    retriever: Retriever,
    on_progress: Callable[[int], object],
) -> list[Item]:
    items = []
    around = notes_around(retriever.connection)
    with model.as_base() as base:
        for number, question in enumerate(questions, start=1):
            passages = ground(retriever, [Turn(role="user", text=question.text)]).passages
            text, citations = quoted_text(quote(base, question.text, passages, around))
            items.append(mark(question, text, citations))
            on_progress(number)
    return items
