"""Joining the passages that were found into sources: one for each note, in the note's order.

A model that reads gets as much of the notes as its context window and the machine bear: the
passages that fit the question best, then what stands around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mlx_backend.asking.retrieval import FoundPassage, Retriever

MOST_FOUND = 8
"""Passages that are looked for; those around them come in addition."""

_OF_WINDOW = 4  # a quarter of the context window is for the notes
_MOST_TOKENS = 2400
_MOST_TOKENS_CPU = 700  # reads about a hundred tokens a second with a model of 1.5 billion
_AROUND = 2  # passages before and after one that was found
_BETWEEN = "\n\n"
_GAP = "\n\n…\n\n"

Count = Callable[[Sequence[str]], list[int]]
"""Counts the tokens of texts."""


@dataclass(frozen=True)
class JoinedSource:
    """Passages of one note in the note's order, and their text as it is put before a question."""

    title: str
    text: str
    passages: tuple[FoundPassage, ...]


def room_for_notes(window: int, has_gpu: bool) -> int:
    """How many tokens of notes a model with this context window (tokens) is given to read."""
    return min(window // _OF_WINDOW, _MOST_TOKENS if has_gpu else _MOST_TOKENS_CPU)


def joined(
    retriever: Retriever, found: Sequence[FoundPassage], tokens: int, count: Count
) -> list[JoinedSource]:
    """The passages found, with those around them, in at most `tokens` tokens; best note first.

    The best passage is there in any case.
    """
    chosen: dict[int, FoundPassage] = {}
    for passage in _in_order(retriever, found):
        if passage.id in chosen:
            continue
        (size,) = count([_shown(passage)])
        if size <= tokens or not chosen:
            chosen[passage.id] = passage
            tokens -= size
    notes = dict.fromkeys(passage.note_id for passage in chosen.values())
    return [source([p for p in chosen.values() if p.note_id == note]) for note in notes]


def source(passages: Sequence[FoundPassage]) -> JoinedSource:
    """One source of passages of one note."""
    ordered = sorted(passages, key=lambda passage: passage.start)
    text, heading, position = "", ordered[0].title, ordered[0].position
    for passage in ordered:
        between = _BETWEEN if passage.position <= position + 1 else _GAP
        shown = passage.text.strip() if passage.heading == heading else _shown(passage)
        text = f"{text}{between}{shown}" if text else shown
        heading, position = passage.heading, passage.position
    return JoinedSource(ordered[0].title, text, tuple(ordered))


def _in_order(retriever: Retriever, found: Sequence[FoundPassage]) -> Iterator[FoundPassage]:
    """The passages found, best first, then what stands next to each, then what stands further."""
    yield from found
    for step in range(1, _AROUND + 1):
        for passage in found:
            for place in (passage.position + step, passage.position - step):
                neighbour = retriever.at(passage.note_id, place)
                if neighbour is not None:
                    yield neighbour


def _shown(passage: FoundPassage) -> str:
    """A passage under its headings, which often say what it is about."""
    heading = passage.heading.removeprefix(passage.title).removeprefix(" › ")
    return f"{heading}\n{passage.text.strip()}" if heading else passage.text.strip()
