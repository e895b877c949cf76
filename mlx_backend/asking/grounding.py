"""Grounding: the prompt with the best passages before the question, and citations of the answer.

Training (`dataset/grounded_samples.py`) uses the same form of prompt as chat and exam.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.asking.retrieval import FoundPassage, Retriever, content_words
from mlx_backend.protocol import DECLINED, Citation, Turn
from mlx_backend.text.words import end_of, folded_words

_INSTRUCTION = f"Answer from these notes alone. If they do not tell the answer, say: {DECLINED}"
MARK = re.compile(r"(?:\s+|^|(?<=[^\w\s]))\[(\d{1,2})\](?!\w)")
"""A mark in an answer: the number of a passage in brackets."""

# Passages with a far lower score than the best are about something else.
_FEWEST_WORDS = 2
_FEW_WORDS = 64  # as many as retrieval looks up
_LEAST_SCORE = 0.35


@dataclass(frozen=True)
class Source:
    """A passage in a prompt: the title of its note, and its text."""

    title: str
    text: str


@dataclass(frozen=True)
class Grounding:
    """What a question is answered from.

    turns: the conversation, with the passages in its last turn.
    crowded_out: whether the question is so long that no passage fits beside it.
    """

    turns: tuple[Turn, ...]
    passages: tuple[FoundPassage, ...]
    crowded_out: bool = False

    @property
    def is_answerable(self) -> bool:
        """Whether to ask the model; otherwise the notes do not say."""
        return bool(self.passages) or self.crowded_out


def ground(
    retriever: Retriever,
    turns: Sequence[Turn],
    fits: Callable[[str], bool] = lambda _: True,
) -> Grounding:
    """Put the best passages for the last turn before it, as many as fit.

    fits: tells whether the model's context window has room for a prompt.
    """
    *earlier, last = turns
    found = retriever.find(_search(earlier, last.text))
    best = found[0].score if found else 0.0
    passages = tuple(each for each in found if each.score >= _LEAST_SCORE * best)
    prompt = _with_passages(passages, last.text)
    while passages and not fits(prompt):
        passages = passages[:-1]
        prompt = _with_passages(passages, last.text)
    if found and not passages:
        return Grounding(tuple(turns), (), crowded_out=True)
    return Grounding((*earlier, Turn(role="user", text=prompt)), passages)


def _with_passages(passages: Sequence[FoundPassage], question: str) -> str:
    return grounded_prompt([Source(each.title, each.text) for each in passages], question)


def grounded_prompt(sources: Sequence[Source], question: str) -> str:
    """A question with numbered passages before it."""
    numbered = [
        f"[{number}] {source.title}\n{source.text.strip()}"
        for number, source in enumerate(sources, start=1)
    ]
    return "\n\n".join([_INSTRUCTION, *numbered, f"Question: {question}"])


def cited(answer: str, number: int) -> str:
    """An answer with the mark of its passage."""
    return f"{answer} [{number}]"


def is_declined(text: str) -> bool:
    """Whether an answer begins with DECLINED, whatever its case and punctuation."""
    return _folded(text).startswith(_folded(DECLINED))


def citations_of(text: str, passages: Sequence[FoundPassage]) -> tuple[Citation, ...]:
    """The passages that an answer is from: those it marks, else the one with most of its words."""
    if is_declined(text) or not passages:
        return ()
    named = dict.fromkeys(int(number) - 1 for number in MARK.findall(text))
    chosen = [passages[place] for place in named if 0 <= place < len(passages)]
    words = set(folded_words(MARK.sub("", text)))
    nearest = max(passages, key=lambda passage: _overlap(words, passage))
    # Small models copy well but number badly, so the words count more than the marks.
    if not chosen or all(_overlap(words, c) < _overlap(words, nearest) for c in chosen):
        chosen = [nearest]
    return tuple(citation_of(each) for each in chosen)


def citation_of(passage: FoundPassage) -> Citation:
    """The citation of a passage."""
    return Citation(
        note=passage.note_id,
        passage=passage.id,
        title=passage.title,
        path=passage.path,
        start=passage.start,
        end=passage.end,
    )


def without_marks(text: str) -> str:
    """An answer without the marks of its passages, which mean nothing to a person."""
    return MARK.sub("", text).strip()


def _search(earlier: Sequence[Turn], question: str) -> str:
    """The text to search for: the question, and the one before it if it has few content words."""
    asked = [turn.text for turn in earlier if turn.role == "user"]
    if asked and len(content_words(end_of(question, _FEW_WORDS))) < _FEWEST_WORDS:
        return f"{question} {asked[-1]}"
    return question


def _overlap(words: set[str], passage: FoundPassage) -> float:
    there = set(folded_words(f"{passage.title} {passage.text}"))
    return len(words & there) / max(1, len(words))


def _folded(text: str) -> str:
    return " ".join(folded_words(text))
