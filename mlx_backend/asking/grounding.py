"""Grounding: the prompt with the best passages before the question, and citations of the answer.

Training (`dataset/reader_samples.py`) uses the same form of prompt as chat and exam.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.asking.follow_up import search_text
from mlx_backend.asking.retrieval import FoundPassage, Retriever, content_words
from mlx_backend.asking.sources import MOST_FOUND, Count, JoinedSource, joined
from mlx_backend.protocol import DECLINED, Citation, Turn
from mlx_backend.text.segmenting import segmented
from mlx_backend.text.words import folded_words

_INSTRUCTION = f"Answer from these notes alone. If they do not tell the answer, say: {DECLINED}"
MARK = re.compile(r"(?:\s+|^|(?<=[^\w\s]))\[(\d{1,2})\](?!\w)")
"""A mark in an answer: the number of a passage in brackets."""

# A line of a note that looks like the number of another source, or like the question.
_FORGED = re.compile(r"[\W_]*?(?:\[\s*\d+\s*\]|question\W*:)", re.IGNORECASE)
_QUOTED = "> "

_ADDS = 0.2  # of the words of an answer: a passage that adds fewer is not cited beside another


@dataclass(frozen=True)
class Source:
    """A passage in a prompt: the title of its note, and its text."""

    title: str
    text: str


@dataclass(frozen=True)
class Grounding:
    """What a question is answered from.

    turns: the conversation, with the sources in its last turn if the model reads. passages: those
    that were found, best first. sources: what a model reads, by the numbers of the prompt.
    crowded_out: whether the question is so long that no passage fits beside it.
    """

    turns: tuple[Turn, ...]
    passages: tuple[FoundPassage, ...]
    sources: tuple[JoinedSource, ...] = ()
    crowded_out: bool = False

    @property
    def is_answerable(self) -> bool:
        """Whether to ask the model; otherwise the notes do not say."""
        return bool(self.passages) or self.crowded_out


@dataclass(frozen=True)
class Reader:
    """What a model that reads has room for: so many tokens of notes, and prompts that fit."""

    tokens: int
    count: Count
    fits: Callable[[str], bool]


def ground(retriever: Retriever, turns: Sequence[Turn]) -> Grounding:
    """The best passages to quote from to answer the last turn."""
    found = retriever.find(search_text(turns))
    return Grounding(tuple(turns), tuple(each for each in found if each.is_near))


def ground_reader(
    retriever: Retriever, turns: Sequence[Turn], reader: Reader, search: str = ""
) -> Grounding:
    """Put what the notes say before the last turn, as much as the reader has room for.

    search: what to search for, where it is not what follows from the turns themselves.
    """
    *earlier, last = turns
    found = retriever.find(search or search_text(turns), MOST_FOUND)
    passages = tuple(each for each in found if each.is_near)
    if not passages:
        return Grounding(tuple(turns), ())
    tokens = reader.tokens
    while True:
        sources = joined(retriever, passages, tokens, reader.count)
        prompt = grounded_prompt([Source(each.title, each.text) for each in sources], last.text)
        if reader.fits(prompt):
            read = (*earlier, Turn(role="user", text=prompt))
            return Grounding(read, passages, tuple(sources))
        if sum(len(each.passages) for each in sources) == 1:
            return Grounding(tuple(turns), (), crowded_out=True)
        tokens //= 2


def grounded_prompt(sources: Sequence[Source], question: str) -> str:
    """A question with numbered passages before it.

    Lines of a passage that look like a further number or question are quoted as Markdown does.
    """
    numbered = [
        f"[{number}] {' '.join(source.title.split())}\n{_unforged(source.text.strip())}"
        for number, source in enumerate(sources, start=1)
    ]
    return "\n\n".join([_INSTRUCTION, *numbered, f"Question: {question}"])


def _unforged(text: str) -> str:
    """A text in which no line passes for one of the prompt's own."""
    return "".join(
        f"{_QUOTED}{line}" if _FORGED.match(unicodedata.normalize("NFKC", line)) else line
        for line in text.splitlines(keepends=True)
    )


def cited(answer: str, number: int) -> str:
    """An answer with the mark of its passage."""
    return f"{answer} [{number}]"


def is_declined(text: str) -> bool:
    """Whether an answer begins with DECLINED, whatever its case and punctuation."""
    return _folded(text).startswith(_folded(DECLINED))


def may_decline(text: str) -> bool:
    """Whether a text begins with DECLINED, or is a beginning of it."""
    return is_declined(text) or _folded(DECLINED).startswith(_folded(text))


def citations_of(text: str, sources: Sequence[JoinedSource]) -> tuple[Citation, ...]:
    """The passages that an answer is from: of the source it marks, else of the one most like it."""
    if is_declined(text) or not sources:
        return ()
    named = dict.fromkeys(int(number) - 1 for number in MARK.findall(text))
    chosen = [sources[place] for place in named if 0 <= place < len(sources)]
    words = _telling(MARK.sub("", text))
    nearest = max(sources, key=lambda source: _overlap(words, source.title, source.text))
    # Small models copy well but number badly, so the words count more than the marks.
    most = _overlap(words, nearest.title, nearest.text)
    if not chosen or all(_overlap(words, each.title, each.text) < most for each in chosen):
        chosen = [nearest]
    return tuple(citation_of(passage) for each in chosen for passage in _cited(words, each))


def _cited(words: set[str], source: JoinedSource) -> list[FoundPassage]:
    """The passages of a source that an answer is from: the likest, and those that add to it."""
    left, found = set(words), list[FoundPassage]()
    while True:
        nearest = max(source.passages, key=lambda each: (_overlap(left, "", each.text), each.score))
        added = left & set(folded_words(segmented(nearest.text)))
        if found and (nearest in found or len(added) < _ADDS * len(words)):
            return sorted(found, key=lambda passage: passage.position)
        found.append(nearest)
        left -= added


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


def _telling(answer: str) -> set[str]:
    """The words of an answer by which its passage is known."""
    return set(content_words(answer)) or set(folded_words(answer))


def _overlap(words: set[str], title: str, text: str) -> float:
    there = set(folded_words(segmented(f"{title} {text}")))
    return len(words & there) / max(1, len(words))


def _folded(text: str) -> str:
    return " ".join(folded_words(text))
