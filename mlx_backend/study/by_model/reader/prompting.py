"""The conversations in which a model writes questions, answers them, and compares answers."""

from __future__ import annotations

from mlx_backend.protocol import Turn
from mlx_backend.study.by_model.reader.genres import (
    EXAMPLES,
    EXAMPLES_FOR_TWO,
    INSTRUCTION,
    INSTRUCTION_FOR_KEYS,
    INSTRUCTION_FOR_TWO,
    Genre,
)
from mlx_backend.study.by_model.reader.items import reply_of

UNKNOWN = "unknown"
"""What a model is to answer when the passage does not tell."""

_LANGUAGE = "the language of the note"


def writing_turns(
    genre: Genre, shown: str, language: str, *, key_first: bool = False
) -> list[Turn]:
    """A conversation whose next turn is the model's questions about what is `shown`.

    language: its English name, "" where it is not known. The example in it comes last, because a
    small model goes on in the language of the last one; else that in English. key_first: whether
    the reply begins with the words to ask for. Conversations about as many passages, in one
    language and with the same `key_first`, begin alike.
    """
    is_for_two = genre.subject in ("passages", "notes")
    examples = EXAMPLES_FOR_TWO if is_for_two else EXAMPLES
    turns = []
    for example in sorted(examples, key=lambda each: _nearness(each.language, language)):
        asked = f"{example.shown}\n\n"
        for wanted, items in example.replies:
            turns.append(Turn(role="user", text=asked + _request(wanted, example.language)))
            turns.append(Turn(role="assistant", text=reply_of(items, key_first=key_first)))
            asked = ""
    request = _request(genre, language or _LANGUAGE)
    turns.append(Turn(role="user", text=f"{shown}\n\n{request}"))
    alone = INSTRUCTION_FOR_KEYS if key_first else INSTRUCTION
    instruction = INSTRUCTION_FOR_TWO if is_for_two else alone
    turns[0] = Turn(role="user", text=f"{instruction}\n\n{turns[0].text}")
    return turns


def reading_turns(shown: str, question: str) -> list[Turn]:
    """A conversation whose next turn is the model's answer, with the passage in view.

    In the fewest words, because the words that were asked for are somewhere in any long answer.
    """
    asked = (
        f"{shown}\n\nAnswer from the note alone, in as few words as possible. If it does not say,"
        f' reply "{UNKNOWN}".\nQuestion: {question}'
    )
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


def _request(genre: Genre, language: str) -> str:
    return f"{genre.request} Write in {language}."
