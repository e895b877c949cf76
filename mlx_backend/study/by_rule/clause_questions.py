"""Questions about one clause: its names and agents here, the rest in the modules it calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlx_backend.study.by_rule.detail_questions import (
    questions_about_count,
    questions_about_details,
)
from mlx_backend.study.by_rule.function_words import IT_OR_THEY, UNNAMED_SUBJECTS
from mlx_backend.study.by_rule.grammar import Clause
from mlx_backend.study.by_rule.object_questions import questions_about_object
from mlx_backend.study.by_rule.phrases import first_part, points_elsewhere
from mlx_backend.study.by_rule.question_text import Question, as_question
from mlx_backend.study.by_rule.subject_questions import questions_about_subject
from mlx_backend.text.dictionary import inflected, verb_bases
from mlx_backend.text.words import word_set

_DENYING = word_set("not never no nor neither cannot without hardly barely nearly almost")
_CALLED = re.compile(
    r"^(?:called|named|nicknamed|titled|known as) (?!after|for|by)(.+?)(?= in the |$)"
)
_NAMING = frozenset({"call", "name", "nickname", "christen", "dub"})
_AGENT = re.compile(r"\bby ([A-ZÀ-Þ][^,;]*?)(?= (?:in|at|on|and|for|with|from)\b|[,;]|$)")
_THIS = word_set("this that these those")
_DENIED_AT_MOST = 3  # words behind the verb: "not called Hal", "no longer repaired by"


def questions_about_clause(clause: Clause) -> Iterator[Question]:
    """All questions that a clause answers; not all of them read well."""
    if clause.subject.lower() in IT_OR_THEY | _THIS or points_elsewhere(clause.subject):
        return  # only the text around the clause says what it is
    if clause.base == "turn" and clause.rest == "out":
        return  # "it turns out"
    if not _DENYING & set(f"{clause.adverb} {clause.rest}".lower().split()[:_DENIED_AT_MOST]):
        yield from _of_naming(clause)
        yield from _of_agent(clause)
    yield from questions_about_count(clause)
    yield from questions_about_details(clause)
    yield from questions_about_object(clause)
    yield from questions_about_subject(clause)


def _of_naming(clause: Clause) -> Iterator[Question]:
    """Questions for a name, as in "The boat is called Ida" and "We call the boat Ida"."""
    called = _CALLED.match(clause.rest)
    if called and clause.is_copula and clause.subject.lower() not in UNNAMED_SUBJECTS:
        name = first_part(called[1]).strip()
        yield Question(clause.asked("what", "called"), name, "called")
        yield Question(f"What is the name of {clause.subject}?", name, "called")
        yield Question(f"What do we call {clause.subject}?", name, "called")
        yield Question(f"Who or what is called {name}?", clause.subject, "called")
    if clause.base in _NAMING and clause.object and clause.rest.startswith(clause.object):
        name = first_part(clause.rest.removeprefix(clause.object)).strip()
        if name[:1].isupper():
            yield Question(clause.asked("what", clause.object), name, "called")
            yield Question(f"What is {clause.object} called?", name, "called")
            yield Question(f"What is called {name}?", clause.object, "called")


def _of_agent(clause: Clause) -> Iterator[Question]:
    """Questions for who did it, as in "The mill was painted by Oskar"."""
    if not clause.is_copula or not clause.rest:
        return
    participle, _, rest = clause.rest.partition(" ")
    agent = _AGENT.search(rest) if not clause.subject.lower().startswith("one of") else None
    bases = verb_bases(participle.lower())
    if not agent or not bases:
        return
    is_past = clause.verb in {"was", "were"}
    verb = inflected(bases[0], "VBD" if is_past else "VBZ")
    between = rest[: agent.start()].strip()
    yield Question(as_question(f"who {verb} {clause.subject} {between}"), agent[1].strip(), "agent")
