"""Short texts of the app, with questions that they answer and questions that they do not."""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec


class Lesson(msgspec.Struct, frozen=True):
    """A short text that ships with the app.

    answered: pairs of a question and the quote that answers it. not_answered: other questions.
    """

    title: str
    text: str
    answered: tuple[tuple[str, str], ...]
    not_answered: tuple[str, ...]


@cache
def lessons() -> tuple[Lesson, ...]:
    """The texts of `resources/reading.jsonl`."""
    lines = (resources.files("resources") / "reading.jsonl").read_text(encoding="utf-8")
    return tuple(msgspec.json.decode(line, type=Lesson) for line in lines.splitlines())
