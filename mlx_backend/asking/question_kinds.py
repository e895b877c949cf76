"""Which kind of answer a person's question asks for, and whether a statement has one."""

from __future__ import annotations

from mlx_backend.text.answer_kinds import ANSWER_KINDS, AnswerKind


def asked_kind(question: str) -> AnswerKind | None:
    """The kind of answer that a question asks for; None where any answer may do."""
    return next((k for k in ANSWER_KINDS if k.asked and k.asked.search(question)), None)


def has_kind(kind: AnswerKind | None, statement: str) -> bool:
    """Whether a statement has an answer of the kind; always, where any answer may do."""
    if kind is None or kind.in_statement is None:
        return True
    return bool(kind.in_statement.search(statement))
