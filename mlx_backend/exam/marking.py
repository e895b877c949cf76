"""The exam: closed-book questions, answered greedily in batches and marked by their words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import Citation
from mlx_backend.text.answer_matching import is_right

LONGEST_ANSWER = 48


@dataclass(frozen=True)
class ExamQuestion:
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


def read_questions(path: Path) -> list[ExamQuestion]:
    """Read a file of lines `question TAB answer|answer...`; a question alone has no right answer.

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
    """Ask every question and mark the answers."""
    texts = answer_all([question.text for question in questions])
    return [mark(question, text) for question, text in zip(questions, texts, strict=True)]


def mark(question: ExamQuestion, text: str, citations: tuple[Citation, ...] = ()) -> Item:
    """A question with its answer, marked."""
    right = is_right(text, question.answers)
    return Item(question.text, question.answers, text, right, citations)
