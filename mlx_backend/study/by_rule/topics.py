"""What a statement is about, for the pronouns of the statement that follows it."""

from __future__ import annotations

from dataclasses import replace

from mlx_backend.study.by_rule.function_words import (
    DEFINITE,
    DEMONSTRATIVES,
    DESCRIBING,
    INDEFINITE,
    IT_OR_THEY,
    UNNAMED_SUBJECTS,
)
from mlx_backend.study.by_rule.grammar import Clause, clauses
from mlx_backend.study.by_rule.statements import Statement
from mlx_backend.text.dictionary import is_adjective, looks_plural

_LONGEST_TOPIC = 4  # words


def topic_of(statement: Statement, before: str = "") -> str:
    """The subject of a statement's first clause; "" where the next one's pronouns may mean another.

    `before` is the topic of the statement before it: it stays where this one's subject is "it".
    """
    if statement.is_row or statement.pairs or statement.is_torn:
        return ""
    for clause in clauses(statement.text):
        if clause.subject.lower() in IT_OR_THEY:
            return before
        first = clause.subject.lower().split()[0]
        is_topic = (
            first not in UNNAMED_SUBJECTS | DEMONSTRATIVES | INDEFINITE
            and not _names_another(clause)
        )
        return clause.subject if is_topic and len(clause.subject.split()) <= _LONGEST_TOPIC else ""
    return ""


def _names_another(clause: Clause) -> bool:
    """Whether a later "it" may mean the object instead: "Anna bought the kiln"."""
    if clause.is_copula or not clause.base:
        return False
    words = clause.rest.lower().split()
    return bool(words) and words[0] in DEFINITE | {"a", "an"}


def with_topic(clause: Clause, topic: str) -> Clause:
    """A clause with `topic` in place of "it" or "they", where they certainly stand for it."""
    if not topic:
        return clause
    is_many = looks_plural(topic) or " and " in topic
    if clause.subject.lower() in {"they", "them"} and not is_many:
        return clause
    if clause.subject.lower() in IT_OR_THEY:
        return clause if _is_impersonal(clause) else replace(clause, subject=topic)
    first, _, rest = clause.rest.partition(" ")
    if first in IT_OR_THEY and rest:
        return replace(clause, rest=f"{topic} {rest}", object=topic)
    return clause


def _is_impersonal(clause: Clause) -> bool:
    """Whether its "it" stands for nothing, as in "It is easy to ..."."""
    words = [word for word in clause.rest.lower().split() if word not in {"also", "be", "not"}]
    first = words[0] if words else ""
    is_how = first in DESCRIBING or (is_adjective(first) and clause.is_copula)
    return is_how and (clause.is_copula or clause.rest.startswith("be "))
