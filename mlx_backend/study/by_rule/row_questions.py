"""Questions about a row of a table, by the heads of its columns."""

from __future__ import annotations

from collections.abc import Iterator

from mlx_backend.study.by_rule.answers import answers_in
from mlx_backend.study.by_rule.function_words import IT_OR_THEY, UNNAMED_SUBJECTS
from mlx_backend.study.by_rule.question_text import Question, as_question
from mlx_backend.study.by_rule.statements import Statement
from mlx_backend.text.dictionary import PREPOSITIONS, finite_base, is_noun, is_participle
from mlx_backend.text.words import word_set

_QUESTION_WORDS = word_set("what who where when why how which")


def questions_about_row(statement: Statement) -> Iterator[Question]:
    """Questions for each cell of a row, by the first cell and the head of its column."""
    (head, subject), *others = statement.pairs
    for name, value in others:
        yield Question(f"{subject}: {name.lower()}?", value, "row")
        if is_noun(name.lower()) and name.lower() not in _QUESTION_WORDS:
            yield Question(f"What is the {name.lower()} of {subject}?", value, "row")
        yield from _of_half_sentence(subject, name.lower(), value)
        for answer in answers_in(value):
            if answer.kind not in {"name", "place"}:
                yield Question(f"{subject}: {answer.question_words[0]}?", answer.key, "row")
        if is_noun(head.lower()):
            text = f"Which {head.lower()} is listed with {name.lower()} {value}?"
            yield Question(text, subject, "row")


def _of_half_sentence(subject: str, head: str, value: str) -> Iterator[Question]:
    """Questions for a cell whose column head is half a sentence: "where it stands", "used for"."""
    first, *others = head.split()
    if first in _QUESTION_WORDS and len(others) == 2 and others[0] in IT_OR_THEY | UNNAMED_SUBJECTS:
        if base := finite_base(others[1]):
            yield Question(as_question(f"{first} does {subject} {base}"), value, "row")
    elif is_participle([first]) and others and others[-1] in PREPOSITIONS:
        word = "who" if others[-1] == "by" else "what"
        yield Question(as_question(f"{word} is {subject} {head}"), value, "row")
        yield Question(as_question(f"what is {head} {value}"), subject, "row")
