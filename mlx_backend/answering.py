"""Answering from the notes: passages are found, put before the question, and cited."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlx_backend.exam import Item, Question, mark
from mlx_backend.grounding import DECLINED, MARK, citations_of, ground, without_marks
from mlx_backend.inference import Answer, ChatModel
from mlx_backend.protocol import Citation, Sampling, Turn
from mlx_backend.retrieval import Retriever

_MAYBE_MARK = re.compile(r"\s*(?:\[\d{0,2})?$")


@dataclass(frozen=True)
class GroundedAnswer:
    """An answer without the numbers of its passages, and where it is from."""

    answer: Answer
    citations: tuple[Citation, ...]


def answer_from_notes(
    model: ChatModel,
    retriever: Retriever,
    turns: Sequence[Turn],
    sampling: Sampling,
    on_text: Callable[[str], object] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> GroundedAnswer:
    """Answer the last turn from the passages that it is about.

    Where no passage has any of its words, the notes do not say, and no model is asked.
    """
    grounding = ground(retriever, turns)
    if not grounding.passages:
        on_text(DECLINED)
        return GroundedAnswer(_declined(), ())
    stream = _WithoutMarks(on_text)
    answer = model.answer(grounding.turns, sampling, stream.take, cancelled)
    stream.end()
    citations = citations_of(answer.text, grounding.passages)
    return GroundedAnswer(replace(answer, text=without_marks(answer.text)), citations)


def take_grounded_exam(
    questions: Sequence[Question],
    retriever: Retriever,
    answer_all: Callable[[Sequence[str]], Sequence[str]],
) -> list[Item]:
    """Ask every question with its passages in view, and mark the answers."""
    groundings = [ground(retriever, [Turn(role="user", text=q.text)]) for q in questions]
    prompts = [grounding.turns[-1].text for grounding in groundings if grounding.passages]
    texts = iter(answer_all(prompts))
    items = []
    for question, grounding in zip(questions, groundings, strict=True):
        text = next(texts) if grounding.passages else DECLINED
        citations = citations_of(text, grounding.passages)
        items.append(mark(question, without_marks(text), citations))
    return items


def _declined() -> Answer:
    return Answer(
        text=DECLINED,
        ended="stop",
        prompt_tokens=0,
        cached_tokens=0,
        generated_tokens=0,
        ttft_ms=0.0,
        tokens_per_second=0.0,
    )


class _WithoutMarks:
    """Hands text on as it comes, but for the numbers of passages, which may come in pieces."""

    def __init__(self, on_text: Callable[[str], object]) -> None:
        self._on_text = on_text
        self._held = ""

    def take(self, piece: str) -> None:
        """The next piece of an answer."""
        text = MARK.sub("", self._held + piece)
        open_mark = _MAYBE_MARK.search(text)
        cut = open_mark.start() if open_mark else len(text)
        self._held = text[cut:]
        if cut:
            self._on_text(text[:cut])

    def end(self) -> None:
        """No piece comes any more."""
        if self._held.strip():
            self._on_text(self._held)
