"""Questions about a statement: which rules apply to it, and which questions are good enough."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlx_backend.private_data.masking import MASKED
from mlx_backend.study.by_rule.clause_questions import questions_about_clause
from mlx_backend.study.by_rule.function_words import CLAUSE_WORDS, DEMONSTRATIVES, NO_ANSWERS
from mlx_backend.study.by_rule.grammar import clauses
from mlx_backend.study.by_rule.pair_questions import questions_about_pair
from mlx_backend.study.by_rule.phrase_questions import (
    questions_about_fragment,
    questions_about_measure,
    questions_about_someone_within,
)
from mlx_backend.study.by_rule.question_text import Question, is_whole, stands_alone
from mlx_backend.study.by_rule.row_questions import questions_about_row
from mlx_backend.study.by_rule.statements import Statement
from mlx_backend.study.by_rule.topics import with_topic
from mlx_backend.text.dictionary import (
    begins_with_gerund,
)
from mlx_backend.text.words import word_set

_REMARKS = word_set(
    "note source tip hint warning update edit example todo caution caveat important ps also"
)
NAMED_KINDS = frozenset({"pair", "row", "measure"})
"""Kinds of questions for the value of a name ("Rent?"): short, but complete."""

# Kinds whose form is clear in a word or two.
_SHORT_KINDS = NAMED_KINDS | {"called", "agent", "complement", "money"}
_SHORT_IN_SHORT = frozenset({"place", "time", "date", "day", "count"})
_SHORT_STATEMENT = 12
_LONGEST_NAME = 5
_LONGEST_POINTING = 2  # "this term", but not "this gives the same"
_LONGEST_WORDS = 16


def questions_about(statement: Statement, topic: str = "") -> list[Question]:
    """Questions that the statement answers, without repeats.

    `topic` is what the statement before was about: its pronouns stand for that.
    """
    found: dict[str, Question] = {}
    for question in _all(statement, topic):
        if _is_askable(question) and _is_clear(question, statement):
            found.setdefault(question.text.casefold(), question)
    return list(found.values())


def _is_askable(question: Question) -> bool:
    """Whether a question and its key are whole, and the question does not hold its own key."""
    text, key = question.text, question.key
    return (
        len(text.split()) <= _LONGEST_WORDS
        and bool(key.strip())
        and not _is_torn(text)
        and not _is_torn(key)
        and not _mentions(text, key)
        and not MASKED.search(key)
        and key.lower() not in NO_ANSWERS
    )


def _is_clear(question: Question, statement: Statement) -> bool:
    """Whether a question can be understood without the text around its statement."""
    is_short = question.kind in _SHORT_KINDS or (
        question.kind in _SHORT_IN_SHORT and len(statement.text.split()) <= _SHORT_STATEMENT
    )
    if not is_short and not is_whole(question.text):
        return False
    return question.kind in NAMED_KINDS or stands_alone(question.text)


def _is_torn(text: str) -> bool:
    """Whether a text holds the end of a sentence, or only one of a pair of brackets or quotes."""
    pairs = (text.count(opening) != text.count(closing) for opening, closing in ("()", "[]", "{}"))
    return ". " in text or any(pairs) or text.count("`") % 2 == 1 or text.count('"') % 2 == 1


def _mentions(text: str, key: str) -> bool:
    return f" {key.casefold()} " in f" {text.casefold().rstrip('?')} "


def _all(statement: Statement, topic: str) -> Iterator[Question]:
    if statement.is_row:
        yield from questions_about_row(statement)
        return
    name = ""
    if statement.pairs and _is_name_of_pair(statement.pairs[0][0]):
        ((name, value),) = statement.pairs
        yield from questions_about_pair(name, value)
    asks = statement.text.rstrip("_*'").endswith("?")
    found = [] if asks or statement.is_torn else clauses(statement.text)
    for clause in found:
        yield from questions_about_clause(with_topic(clause, topic))
    if not (found or name or asks or statement.is_torn):
        yield from questions_about_fragment(statement.text)
    yield from questions_about_someone_within(statement.text)
    for piece in re.split(r"[,;:]\s+", statement.text.rstrip(".")):
        yield from questions_about_measure(piece, name)


def _is_name_of_pair(name: str) -> bool:
    """Whether the words before a colon are the name of what follows it, not a sentence."""
    words = name.lower().split()
    return (
        len(words) <= _LONGEST_NAME
        and "," not in name
        and not re.search(r"[a-z][A-Z]", name)  # a name in code, and what it printed
        and not CLAUSE_WORDS & set(words)
        and not _REMARKS & {words[0], words[-1]}
        and not (words[0] in DEMONSTRATIVES and len(words) > _LONGEST_POINTING)
        and words[0] not in {"so", "if", "then", "and", "or", "never", "always", "here", "not"}
        and words[-1] not in {"like", "this", "with", "to", "as", "following"}
        and not (len(words) == 1 and begins_with_gerund(name.lower()))
        and not clauses(name)
    )
