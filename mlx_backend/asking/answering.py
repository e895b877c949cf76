"""Answering from the notes: passages are found, put before the question, and cited."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlx_backend.asking.grounding import (
    citation_of,
    citations_of,
    ground,
    without_marks,
)
from mlx_backend.asking.quoting import Quoted, quote
from mlx_backend.asking.retrieval import Found, Retriever
from mlx_backend.models.inference import Answer, ChatModel
from mlx_backend.protocol import DECLINED, Citation, Sampling, Turn

# White space, and what may be a mark, with what follows: neither is decided before more comes.
_MAYBE_MARK = re.compile(r"\s*(?:\[\d{0,2}\]?)?$")


@dataclass(frozen=True)
class GroundedAnswer:
    """An answer without the numbers of its passages, and where it is from.

    `quote` are the words of a note that it consists of; "" where a model worded it. `from_notes`
    tells that no model did: it is a quote, or says that there is nothing to quote.
    """

    answer: Answer
    citations: tuple[Citation, ...]
    quote: str = ""
    from_notes: bool = False


def answer_from_notes(
    model: ChatModel,
    retriever: Retriever,
    turns: Sequence[Turn],
    sampling: Sampling,
    on_text: Callable[[str], object] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> GroundedAnswer:
    """Answer the last turn from the passages that it is about.

    Where no passage has any of its words, the notes do not say, and no model is asked. `on_text`
    takes what a model words, piece by piece; a quote comes whole, as nothing else than a quote.
    """
    grounding = ground(retriever, turns, fitting_prompts(model, sampling.max_tokens))
    if not grounding.is_answerable:
        return GroundedAnswer(_told(DECLINED, 0.0), (), from_notes=True)
    if not model.info.reads_by_itself:
        return _quoted(model, turns[-1].text, grounding.passages)
    stream = _WithoutMarks(on_text)
    answer = model.answer(grounding.turns, sampling, stream.take, cancelled)
    stream.end()
    citations = citations_of(answer.text, grounding.passages)
    return GroundedAnswer(replace(answer, text=without_marks(answer.text)), citations)


def fitting_prompts(model: ChatModel, max_tokens: int) -> Callable[[str], bool]:
    """Whether the model can read a prompt; one that quotes has no prompt to read."""
    if not model.info.reads_by_itself:
        return lambda _: True
    return lambda prompt: model.fits(prompt, max_tokens)


def _quoted(model: ChatModel, question: str, passages: Sequence[Found]) -> GroundedAnswer:
    began = time.perf_counter()
    with model.as_base() as base:
        found = quote(base, question, passages)
    text, citations = quoted_text(found)
    took_ms = (time.perf_counter() - began) * 1000
    told = _told(text, took_ms)
    return GroundedAnswer(told, citations, found.words if found else "", from_notes=True)


def quoted_text(found: Quoted | None) -> tuple[str, tuple[Citation, ...]]:
    """The text of a quote and its citation; that the notes do not say, where there is none."""
    return (DECLINED, ()) if found is None else (found.text, (citation_of(found.passage),))


def _told(text: str, milliseconds: float) -> Answer:
    """An answer that was not generated."""
    return Answer(
        text=text,
        ended="stop",
        prompt_tokens=0,
        cached_tokens=0,
        generated_tokens=0,
        ttft_ms=milliseconds,
        tokens_per_second=0.0,
    )


class _WithoutMarks:
    """Hands text on as it comes, but for the numbers of passages, which may come in pieces."""

    def __init__(self, on_text: Callable[[str], object]) -> None:
        self._on_text = on_text
        self._text = ""
        self._told = 0

    def take(self, piece: str) -> None:
        """The next piece of an answer."""
        self._text += piece
        open_mark = _MAYBE_MARK.search(self._text)
        self._tell(self._text[: open_mark.start()] if open_mark else self._text)

    def end(self) -> None:
        """No piece comes any more."""
        self._tell(self._text)

    def _tell(self, text: str) -> None:
        # Always from its beginning: what stands before a number decides whether it is a mark.
        shown = without_marks(text)
        if len(shown) > self._told:
            self._on_text(shown[self._told :])
            self._told = len(shown)
