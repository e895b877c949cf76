"""Answering questions from the notes, by reading or quoting passages, with citations."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlx_backend.asking.answerability import told
from mlx_backend.asking.follow_up import rewritten
from mlx_backend.asking.grounding import (
    Reader,
    citation_of,
    citations_of,
    ground,
    ground_reader,
    is_declined,
    may_decline,
    without_marks,
)
from mlx_backend.asking.quoting import Quoted, quote
from mlx_backend.asking.quoting.surroundings import notes_around
from mlx_backend.asking.retrieval import FoundPassage, Retriever
from mlx_backend.asking.sources import room_for_notes
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.models.answer import Answer
from mlx_backend.models.chat_form import SYSTEM_PROMPT
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.listener import NOBODY, Listener
from mlx_backend.protocol import DECLINED, Citation, Sampling, Turn

_MOST_LOOKED_UP = 5

# White space and an unfinished mark: whether it is one, only the next piece of text decides.
_MAYBE_MARK = re.compile(r"\s*(?:\[\d{0,2}\]?)?$")


@dataclass(frozen=True)
class GroundedAnswer:
    """An answer without the numbers of its passages, and its citations.

    quote: the words of a note, if the answer is a quote; else "".
    from_notes: whether no model worded the answer: it is a quote, or DECLINED.
    looked_up: passages that were found and are not cited, best first.
    """

    answer: Answer
    citations: tuple[Citation, ...]
    quote: str = ""
    from_notes: bool = False
    looked_up: tuple[Citation, ...] = ()


def answer_from_notes(
    model: ChatModel,
    retriever: Retriever,
    turns: Sequence[Turn],
    sampling: Sampling,
    listener: Listener = NOBODY,
    system: str = SYSTEM_PROMPT,
) -> GroundedAnswer:
    """Answer the last turn from the passages that it is about.

    If no passage has any of its words, or a model that reads finds that the passages do not tell
    it, the answer is DECLINED, before anything is heard. The listener hears the text that a model
    generates, piece by piece; it hears no quotes. system: what a model that words answers reads
    before the turns.
    """
    if model.info.reads:
        return _worded(model, retriever, turns, sampling, listener, system)
    grounding = ground(retriever, turns)
    if not grounding.is_answerable:
        return GroundedAnswer(_not_generated(DECLINED, 0.0), (), from_notes=True)
    quoted = _quoted(model, turns[-1].text, grounding.passages, retriever)
    return _with_looked_up(quoted, grounding.passages)


def _with_looked_up(answer: GroundedAnswer, passages: Sequence[FoundPassage]) -> GroundedAnswer:
    """The answer with the best passages of which it cites no part."""
    unused = [each for each in map(citation_of, passages) if not _is_cited(each, answer.citations)]
    return replace(answer, looked_up=tuple(unused[:_MOST_LOOKED_UP]))


def _is_cited(found: Citation, citations: Sequence[Citation]) -> bool:
    return any(
        found.note == each.note and found.start < each.end and each.start < found.end
        for each in citations
    )


def _worded(
    model: ChatModel,
    retriever: Retriever,
    turns: Sequence[Turn],
    sampling: Sampling,
    listener: Listener,
    system: str,
) -> GroundedAnswer:
    began = time.perf_counter()
    search = rewritten(model, turns, listener)
    grounding = ground_reader(retriever, turns, reader_of(model, sampling.max_tokens), search)
    book = model.open_book
    with model.as_base() if book.by_base else contextlib.nullcontext():
        found = told(model, grounding, book, listener)
        if not (grounding.is_answerable and found.is_told):
            took_ms = (time.perf_counter() - began) * 1000
            declined = GroundedAnswer(_not_generated(DECLINED, took_ms), (), from_notes=True)
            return _with_looked_up(declined, grounding.passages)

        def answer(listener: Listener) -> Answer:
            return model.answer(grounding.turns, sampling, listener, system)

        before_ms = (time.perf_counter() - began) * 1000
        may_go_again = not book.by_base and book.goes_again(found.odds)
        answered = _streamed(answer, listener, holds_declining=may_go_again)
    if may_go_again and is_declined(answered.text) and answered.ended != "cancelled":
        with model.as_base():
            before_ms = (time.perf_counter() - began) * 1000
            answered = _streamed(answer, listener)
    citations = citations_of(answered.text, grounding.sources)
    text, ttft_ms = without_marks(answered.text), before_ms + answered.ttft_ms
    worded = GroundedAnswer(replace(answered, text=text, ttft_ms=ttft_ms), citations)
    return _with_looked_up(worded, grounding.passages)


def _streamed(
    answer: Callable[[Listener], Answer], listener: Listener, *, holds_declining: bool = False
) -> Answer:
    """An answer that a listener hears without the numbers of passages.

    holds_declining: whether it hears nothing of one that declines.
    """
    stream = _WithoutMarks(listener.on_text, holds_declining)
    answered = answer(replace(listener, on_text=stream.take))
    if not (holds_declining and is_declined(answered.text)):
        stream.end()
    return answered


def reader_of(model: ChatModel, max_tokens: int) -> Reader:
    """What a model that reads has room for, beside an answer of `max_tokens`."""
    tokens = room_for_notes(model.window, has_gpu())
    return Reader(tokens, model.count, lambda prompt: model.fits(prompt, max_tokens))


def _quoted(
    model: ChatModel, question: str, passages: Sequence[FoundPassage], retriever: Retriever
) -> GroundedAnswer:
    began = time.perf_counter()
    with model.as_base() as base:
        found = quote(base, question, passages, notes_around(retriever.connection))
    text, citations = quoted_text(found)
    took_ms = (time.perf_counter() - began) * 1000
    answer = _not_generated(text, took_ms)
    return GroundedAnswer(answer, citations, found.words if found else "", from_notes=True)


def quoted_text(found: Quoted | None) -> tuple[str, tuple[Citation, ...]]:
    """The text of a quote and its citations; DECLINED and no citation for None."""
    return (DECLINED, ()) if found is None else (found.text, found.citations)


def _not_generated(text: str, milliseconds: float) -> Answer:
    """An answer with no generated tokens."""
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
    """Passes streamed text on without the numbers of passages, which may arrive in pieces.

    holds_declining: whether text is held back that begins as DECLINED does.
    """

    def __init__(self, on_text: Callable[[str], object], holds_declining: bool) -> None:
        self._on_text = on_text
        self._holds_declining = holds_declining
        self._text = ""
        self._shown = 0

    def take(self, piece: str) -> None:
        """Take the next piece of the answer."""
        self._text += piece
        if self._holds_declining and may_decline(self._text):
            return
        open_mark = _MAYBE_MARK.search(self._text)
        self._pass_on(self._text[: open_mark.start()] if open_mark else self._text)

    def end(self) -> None:
        """Pass on what is held back: the answer has ended."""
        self._pass_on(self._text)

    def _pass_on(self, text: str) -> None:
        # From the beginning each time: the text before a number decides whether it is a mark.
        shown = without_marks(text)
        if len(shown) > self._shown:
            self._on_text(shown[self._shown :])
            self._shown = len(shown)
