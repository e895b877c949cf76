"""The rules as a writer of samples: passages in, statements and drafts of samples out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import RULES, Draft, titled_answer
from mlx_backend.study.by_rule.statement_questions import questions_about
from mlx_backend.study.by_rule.statements import Statement, statements_of_note
from mlx_backend.study.by_rule.topics import topic_of
from mlx_backend.text.words import count_words

WRITER = RULES

# A pronoun at the beginning: the statement needs the one before it to be understood.
_NEEDS_BEFORE = re.compile(r"^(?:\S+ ){0,2}(?:it|that|them|this|they|she|he|one)\b", re.IGNORECASE)
_LONGEST_JOINED = 22  # words
_STANDS_ALONE = 4


@dataclass(frozen=True)
class QuotedStatement:
    """A statement, and the words that samples about it quote.

    quote: the statement's text, after that of the one before it where it needs that.
    topic: what its pronouns stand for, "" where that is not known.
    """

    statement: Statement
    quote: str
    topic: str


def quoted_statements(passages: Sequence[Passage]) -> list[list[QuotedStatement]]:
    """The statements of each passage of one note, given in order."""
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
    """Drafts of samples: questions about what a passage of the note `title` states."""
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
    """The words to quote for a statement; `before` is the text of the one before it."""
    text = statement.text
    is_short = count_words(text) < _STANDS_ALONE and not statement.pairs
    needs_it = _NEEDS_BEFORE.match(text) or is_short
    if before and needs_it and count_words(f"{before} {text}") <= _LONGEST_JOINED:
        return f"{before} {text}"
    return text
