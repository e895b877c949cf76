"""The exam: closed-book questions, answered greedily in batches and marked by their words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.errors import Kind, OvernightError
from mlx_backend.protocol import Citation

LONGEST_ANSWER = 48


@dataclass(frozen=True)
class Question:
    """A question and the answers that count as right."""

    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """A question with what was answered to it, and from which passages where it was grounded."""

    question: str
    answers: tuple[str, ...]
    text: str
    right: bool
    citations: tuple[Citation, ...] = ()


def read_questions(path: Path) -> list[Question]:
    """Read a file of lines `question TAB answer|answer...`; a question alone has no right answer.

    Raises OvernightError when there is no such file, or no question in it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise OvernightError(
            Kind.PATH_MISSING, f"There is no question file at {path}.", "Check the path."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise OvernightError(
            Kind.UNREADABLE,
            f"The question file {path} cannot be read.",
            "It should be UTF-8 text: a question, a tab and its answers on each line.",
            str(error),
        ) from error
    questions = []
    for line in lines:
        text, _, answers = line.partition("\t")
        if text.strip():
            options = tuple(a.strip() for a in answers.split("|") if a.strip())
            questions.append(Question(text.strip(), options))
    if not questions:
        raise OvernightError(
            Kind.BAD_INPUT,
            f"There is no question in {path}.",
            "Write one a line: the question, a tab, and its answers separated by |.",
        )
    return questions


def take_exam(
    questions: Sequence[Question], answer_all: Callable[[Sequence[str]], Sequence[str]]
) -> list[Item]:
    """Ask every question and mark the answers."""
    texts = answer_all([question.text for question in questions])
    return [mark(question, text) for question, text in zip(questions, texts, strict=True)]


def mark(question: Question, text: str, citations: tuple[Citation, ...] = ()) -> Item:
    """A question with its answer, marked."""
    right = is_right(text, question.answers)
    return Item(question.text, question.answers, text, right, citations)


def is_right(text: str, answers: Sequence[str]) -> bool:
    """Whether any answer stands in the text as whole words, case and punctuation folded."""
    folded = f" {_fold(text)} "
    return any(f" {_fold(answer)} " in folded for answer in answers if _fold(answer))


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", plain)  # 1,240 is 1240
    return " ".join(re.sub(r"[^\w]+|_", " ", plain).split())
