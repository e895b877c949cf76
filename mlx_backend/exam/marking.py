"""Reads question files and marks answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import Citation
from mlx_backend.text.answer_matching import is_right

LONGEST_ANSWER = 48
"""Most tokens of an answer."""


@dataclass(frozen=True)
class ExamQuestion:
    """A question and the answers that count as right.

    said: all that the notes say in reply, "" where that is not known. by_other: whether only
    another writer (rules or model) worded the questions by which its fact was trained.
    """

    text: str
    answers: tuple[str, ...]
    said: str = ""
    by_other: bool = False


@dataclass(frozen=True)
class Item:
    """A question with its right answers, the given one in `text`, and citations if open-book."""

    question: str
    answers: tuple[str, ...]
    text: str
    right: bool
    citations: tuple[Citation, ...] = ()


def read_questions(path: Path) -> list[ExamQuestion]:
    """Read a file of lines `question TAB answer|answer...`; without answers none is right.

    Raises OvernightError when there is no such file, or no question in it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise OvernightError(
            ErrorKind.PATH_MISSING, f"There is no question file at {path}.", "Check the path."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise OvernightError(
            ErrorKind.UNREADABLE,
            f"The question file {path} cannot be read.",
            "It should be UTF-8 text: a question, a tab and its answers on each line.",
            str(error),
        ) from error
    questions = []
    for line in lines:
        text, _, answers = line.partition("\t")
        if text.strip():
            options = tuple(a.strip() for a in answers.split("|") if a.strip())
            questions.append(ExamQuestion(text.strip(), options))
    if not questions:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"There is no question in {path}.",
            "Write one a line: the question, a tab, and its answers separated by |.",
        )
    return questions


def take_exam(
    questions: Sequence[ExamQuestion], answer_all: Callable[[Sequence[str]], Sequence[str]]
) -> list[Item]:
    """Ask every question of `answer_all`, which answers in batches, and mark the answers."""
    texts = answer_all([question.text for question in questions])
    return [mark(question, text) for question, text in zip(questions, texts, strict=True)]


def mark(question: ExamQuestion, text: str, citations: tuple[Citation, ...] = ()) -> Item:
    """Mark an answer to a question."""
    right = is_right(text, question.answers)
    return Item(question.text, question.answers, text, right, citations)
