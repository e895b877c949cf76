"""Writing samples by rule, from the grammar and the form of what passages state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import RULES, Draft, titled_answer
from mlx_backend.study.by_rule.questions import questions_about
from mlx_backend.study.by_rule.statements import Statement, statements_of_note
from mlx_backend.study.by_rule.topics import topic_of
from mlx_backend.text.words import count_words

WRITER = RULES

# "It", "that" and the like at a statement's beginning: it says nothing without the one before.
_LEANS = re.compile(r"^(?:\S+ ){0,2}(?:it|that|them|this|they|she|he|one)\b", re.IGNORECASE)
_LONGEST_JOINED = 22  # words
_STANDS_ALONE = 4


@dataclass(frozen=True)
class QuotedStatement:
    """A statement as it is taught: `quote` takes in the one before where it leans on that.

    `topic` is what its pronouns stand for, "" where that is not known.
    """

    statement: Statement
    quote: str
    topic: str


def quoted_statements(passages: Sequence[Passage]) -> list[list[QuotedStatement]]:
    """What each passage of one note states."""
    found = []
    before, topic = "", ""
    for statements in statements_of_note(passages):
        stated = []
        for statement in statements:
            stated.append(QuotedStatement(statement, _quote(before, statement), topic))
            before, topic = statement.text, topic_of(statement, topic)
        found.append(stated)
    return found


def write(title: str, stated: Sequence[QuotedStatement]) -> Iterator[Draft]:
    """Questions about what a passage of the note `title` states."""
    for each in stated:
        for question in questions_about(each.statement, each.topic):
            yield Draft(
                kind=question.kind,
                prompt=question.text,
                answer=titled_answer(title, each.quote),
                key=question.key,
                quote=each.quote,
            )


def _quote(before: str, statement: Statement) -> str:
    text = statement.text
    is_short = count_words(text) < _STANDS_ALONE and not statement.pairs
    leans = _LEANS.match(text) or is_short
    if before and leans and count_words(f"{before} {text}") <= _LONGEST_JOINED:
        return f"{before} {text}"
    return text
