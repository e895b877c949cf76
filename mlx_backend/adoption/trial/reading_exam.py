"""The reading exam: does a model find in a passage what is asked, and say when it is not there?

Thirty passages in the manner of notes, ten in English and four each in German, French, Spanish,
Italian and Portuguese (`resources/reading_exam.jsonl`), with a question each; ten of the questions
have no answer in their passage. They are asked as the chat asks a model that reads, and marked as
`exam.marking` marks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import msgspec

from mlx_backend.asking.grounding import Source, grounded_prompt, is_declined, without_marks
from mlx_backend.exam.marking import LONGEST_ANSWER
from mlx_backend.library.abilities import Reading
from mlx_backend.text.answer_matching import is_right

NEEDED = 11
"""How many of the thirty a reader has right.

Measured: Qwen2.5-Coder-1.5B-Instruct has 27, its little sister with 0.5 billion parameters 14 (it
finds what is there and never says that something is not), the starter 4, random models none or
one. So eleven lie well between, and are one more than has who never answers anything.
"""

# The first ones are the plainest, in five languages, all with their answer in the passage. Who has
# none of these right does not read, which saves models of random numbers the rest.
_ROUNDS = (5, 5, 10, 10)


class ReadingQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A passage and a question; without `answers`, the passage does not tell."""

    language: str
    title: str
    text: str
    question: str
    answers: tuple[str, ...]

    @property
    def prompt(self) -> str:
        """The question as the chat asks it."""
        return grounded_prompt([Source(self.title, self.text)], self.question)

    def is_right(self, answer: str) -> bool:
        """Whether the answer is right; where the passage does not tell, it has to say so."""
        if not self.answers:
            return is_declined(answer)
        return not is_declined(answer) and is_right(without_marks(answer), self.answers)


@dataclass(frozen=True)
class Marked:
    """A question that was asked, the answer to it, and whether that is right."""

    question: ReadingQuestion
    answer: str
    is_right: bool


@cache
def questions() -> tuple[ReadingQuestion, ...]:
    """The questions of the exam, in their order."""
    lines = (resources.files("resources") / "reading_exam.jsonl").read_bytes().splitlines()
    return tuple(msgspec.json.decode(line, type=ReadingQuestion) for line in lines)


def take_reading_exam(
    answer_all: Callable[[Sequence[str], int], Sequence[str]],
    on_progress: Callable[[int, int], object] = lambda *_: None,
) -> list[Marked]:
    """Ask the questions in rounds, and no more once none of the first round is right.

    answer_all: answers prompts greedily with at most so many tokens each. `on_progress` receives
    the numbers of questions asked and in all.
    """
    asked: list[Marked] = []
    left = questions()
    for size in _ROUNDS:
        some, left = left[:size], left[size:]
        answers = answer_all([each.prompt for each in some], LONGEST_ANSWER)
        asked += [
            Marked(question, answer, question.is_right(answer))
            for question, answer in zip(some, answers, strict=True)
        ]
        on_progress(len(asked), len(questions()))
        if not _right(asked):
            break
    return asked


def result_of(marked: Sequence[Marked]) -> Reading:
    """The result, for a model's card."""
    return Reading(asked=len(marked), right=_right(marked), needed=NEEDED)


def _right(marked: Sequence[Marked]) -> int:
    return sum(each.is_right for each in marked)
