"""The conversations in which a model writes questions, answers them, and compares answers."""

from __future__ import annotations

from mlx_backend.protocol import Turn
from mlx_backend.study.by_model.reader.genres import Genre
from mlx_backend.study.by_model.reader.items import reply_of

_LANGUAGE = "the language of the note"


def writing_turns(genre: Genre, shown: str, language: str) -> list[Turn]:
    """A conversation whose next turn is the model's questions about what is `shown`.

    language: its English name, "" where it is not known. The example in it comes last, because a
    small model goes on in the language of the last one; else that in English.
    """
    turns = []
    for example in sorted(genre.examples, key=lambda each: _nearness(each.language, language)):
        asked = _asked(example.shown, example.language)
        reply = reply_of(example.items)
        turns += [Turn(role="user", text=asked), Turn(role="assistant", text=reply)]
    turns.append(Turn(role="user", text=_asked(shown, language or _LANGUAGE)))
    turns[0] = Turn(role="user", text=f"{genre.instruction}\n\n{turns[0].text}")
    return turns


def reading_turns(shown: str, question: str) -> list[Turn]:
    """A conversation whose next turn is the model's answer, with the passage in view."""
    asked = f"{shown}\n\nAnswer from the note alone, in one short sentence.\nQuestion: {question}"
    return [Turn(role="user", text=asked)]


def judging_turns(question: str, one: str, other: str) -> list[Turn]:
    """A conversation whose next turn says whether two answers mean the same: yes or no."""
    asked = (
        f"Question: {question}\nFirst answer: {one}\nSecond answer: {other}\n\n"
        "Do both answers say the same? Reply with yes or no."
    )
    return [Turn(role="user", text=asked)]


def _nearness(one: str, wanted: str) -> int:
    return 2 * (one == wanted) + (one == "English")


def _asked(shown: str, language: str) -> str:
    return f"{shown}\n\nWrite in {language}."
