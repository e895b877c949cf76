"""Answers from the notes: the best passages before the question, and citations behind the answer.

The same form is trained (`dataset`) and asked (worker, command line, exam), with any adapter or
none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.asking.retrieval import Found, Retriever, content_words
from mlx_backend.protocol import DECLINED, Citation, Turn
from mlx_backend.text.words import end_of, folded_words

_INSTRUCTION = f"Answer from these notes alone. If they do not tell the answer, say: {DECLINED}"
MARK = re.compile(r"(?:\s+|^|(?<=[^\w\s]))\[(\d{1,2})\](?!\w)")
"""The number of a passage behind an answer."""

# Passages far behind the best are about something else.
_FEWEST_WORDS = 2
_FEW_WORDS = 64  # as many as are looked up
_LEAST_SCORE = 0.35


@dataclass(frozen=True)
class Source:
    """A passage as it stands before a question: which note it is from, and what it says."""

    title: str
    text: str


@dataclass(frozen=True)
class Grounding:
    """What a question is answered from: `turns` with the passages in the last one.

    `crowded_out`: the question is so long that not even one passage fits beside it.
    """

    turns: tuple[Turn, ...]
    passages: tuple[Found, ...]
    crowded_out: bool = False

    @property
    def is_answerable(self) -> bool:
        """Whether the model has anything to answer from; otherwise the notes do not say."""
        return bool(self.passages) or self.crowded_out


def ground(
    retriever: Retriever,
    turns: Sequence[Turn],
    fits: Callable[[str], bool] = lambda _: True,
) -> Grounding:
    """Put the passages that the last turn is about before it, as many of the best as fit.

    `fits` tells of a whole prompt whether the model can read it.
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


def _with_passages(passages: Sequence[Found], question: str) -> str:
    return grounded_prompt([Source(each.title, each.text) for each in passages], question)


def grounded_prompt(sources: Sequence[Source], question: str) -> str:
    """A question with numbered passages before it."""
    numbered = [
        f"[{number}] {source.title}\n{source.text.strip()}"
        for number, source in enumerate(sources, start=1)
    ]
    return "\n\n".join([_INSTRUCTION, *numbered, f"Question: {question}"])


def cited(answer: str, number: int) -> str:
    """An answer that names its passage."""
    return f"{answer} [{number}]"


def is_declined(text: str) -> bool:
    """Whether an answer says that the notes do not tell."""
    return _folded(text).startswith(_folded(DECLINED))


def citations_of(text: str, passages: Sequence[Found]) -> tuple[Citation, ...]:
    """The passages that an answer is from: those it names, else the one that says most of it."""
    if is_declined(text) or not passages:
        return ()
    named = dict.fromkeys(int(number) - 1 for number in MARK.findall(text))
    chosen = [passages[place] for place in named if 0 <= place < len(passages)]
    words = set(folded_words(MARK.sub("", text)))
    nearest = max(passages, key=lambda passage: _overlap(words, passage))
    # A small model copies well and counts badly: what the words show goes before the number.
    if not chosen or all(_overlap(words, c) < _overlap(words, nearest) for c in chosen):
        chosen = [nearest]
    return tuple(citation_of(each) for each in chosen)


def citation_of(passage: Found) -> Citation:
    """Where a passage is."""
    return Citation(
        note=passage.note_id,
        passage=passage.id,
        title=passage.title,
        path=passage.path,
        start=passage.start,
        end=passage.end,
    )


def without_marks(text: str) -> str:
    """An answer without the numbers of its passages, which mean nothing to a person."""
    return MARK.sub("", text).strip()


def _search(earlier: Sequence[Turn], question: str) -> str:
    """What to look for: the question, and the one before where it says too little by itself."""
    asked = [turn.text for turn in earlier if turn.role == "user"]
    if asked and len(content_words(end_of(question, _FEW_WORDS))) < _FEWEST_WORDS:
        return f"{question} {asked[-1]}"
    return question


def _overlap(words: set[str], passage: Found) -> float:
    there = set(folded_words(f"{passage.title} {passage.text}"))
    return len(words & there) / max(1, len(words))


def _folded(text: str) -> str:
    return " ".join(folded_words(text))
