"""What becomes of each part of a note's text, as marks that can be drawn beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from app.text.qt_positions import QtPlaces
from mlx_backend.library.curation_findings import Reason
from mlx_backend.library.note_browsing import AUTHORSHIP, SECRETS
from mlx_backend.library.notes import Span


class Becomes(Enum):
    """What training makes of a part of a note."""

    PASSAGE = "passage"
    LEFT_OUT = "left out"
    OTHERS = "others' words"
    MASKED = "masked"
    CITED = "cited"
    """Not about training: an answer in the chat cites this."""


@dataclass(frozen=True)
class TextMark:
    """Characters `start` to `end` as Qt counts them, what becomes of them, and why."""

    start: int
    end: int
    becomes: Becomes
    sentence: str


def shown_text(text: str) -> str:
    """The text with Qt's line ends; all characters keep their places."""
    return text.replace("\r\n", " \n").replace("\r", "\n")


def marks_of(
    text: str,
    passages: Sequence[Span],
    reasons: Sequence[Reason],
    used: bool,
    cited: tuple[int, int] | None = None,
) -> tuple[TextMark, ...]:
    """The marks of a note: its passages, and what of them is left out or masked.

    Findings that the person undid leave no mark. `cited` are the characters [start, end) that an
    answer is from.
    """
    places = QtPlaces(text)
    found = [*_passages(passages, used), *_findings(reasons)]
    if cited is not None:
        start, end = (min(place, len(text)) for place in cited)
        found.append(TextMark(start, end, Becomes.CITED, _CITED))
    return tuple(
        TextMark(places.in_qt(mark.start), places.in_qt(mark.end), mark.becomes, mark.sentence)
        for mark in found
        if mark.start < mark.end
    )


def _passages(passages: Sequence[Span], used: bool) -> Iterator[TextMark]:
    for number, span in enumerate(passages, start=1):
        sentence = f"Passage {number} of {len(passages)}"
        if span.heading:
            sentence += f", taught under “{span.heading}”"
        if not used:
            sentence += ", not taught because the note is left out"
        yield TextMark(span.start, span.end, Becomes.PASSAGE, f"{sentence}.")


def _findings(reasons: Sequence[Reason]) -> Iterator[TextMark]:
    for reason in reasons:
        if reason.undone or reason.step not in _MARKED:
            continue
        if reason.step == SECRETS:
            kinds = reason.value.split(";")
            for kind, (start, end) in zip(kinds, reason.spans, strict=False):
                yield TextMark(start, end, Becomes.MASKED, f"Masked before training: {kind}.")
        elif reason.step == AUTHORSHIP:
            for start, end in reason.spans:
                yield TextMark(start, end, Becomes.OTHERS, _OTHERS)
        else:
            for start, end in reason.spans:
                yield TextMark(start, end, Becomes.LEFT_OUT, reason.sentence)


# Training does not see what these steps found. Other steps only describe the text.
_MARKED = ("boilerplate", AUTHORSHIP, SECRETS)
_CITED = "The answer is from here."
_OTHERS = "Someone else wrote this. It is used only as what you reply to."
