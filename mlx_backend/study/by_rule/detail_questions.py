"""Questions for the details of a clause: when, where, who with, how many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlx_backend.study.by_rule.answers import AnswerSpan, answers_in
from mlx_backend.study.by_rule.function_words import CLAUSE_OPENERS, DEMONSTRATIVES, IT_OR_THEY
from mlx_backend.study.by_rule.grammar import Clause
from mlx_backend.study.by_rule.phrases import AND_ANOTHER, first_part
from mlx_backend.study.by_rule.question_text import Question, as_question
from mlx_backend.text.dictionary import DETERMINERS, PREPOSITIONS, is_participle
from mlx_backend.text.words import word_set

_OTHER_MATTER = re.compile(r",\s|[;:(]| and | or ")
# Words that need "on", "in" or "at": no place follows them.
_LEANING = word_set(
    "right based depending depend depends rely relies focus focuses focused work works look peek "
    "glance"
)
# "the $1 and $2" are no money, and "after 3 days" is a point in time.
_NOT_BEHIND = {"money": DETERMINERS, "length of time": word_set("at after before")}
_AFTER_PREPOSITION = frozenset({"name", "count", "money", "numbered"})
_PLACING = frozenset({"in", "on", "at", "behind", "under"})
_LONGEST_BEFORE = 8


def questions_about_details(clause: Clause) -> Iterator[Question]:
    """Questions that the pieces behind a clause's verb answer: who, when, where, how many."""
    for answer in answers_in(clause.rest):
        if answer.kind == "name" and clause.is_copula and answer.start == 0:
            continue  # the object questions ask for all of it
        for word in answer.question_words:
            yield from _about(clause, answer, word)


def _about(clause: Clause, answer: AnswerSpan, word: str) -> Iterator[Question]:
    before, after = clause.rest[: answer.start], clause.rest[answer.end :].strip(" ,")
    words = before.split()
    preposition = ""
    if answer.kind in _AFTER_PREPOSITION and words and words[-1].lower() in PREPOSITIONS:
        preposition = words.pop().lower()
    if _OTHER_MATTER.search(AND_ANOTHER.sub(" ", before)) or not _can_be_asked(
        clause, answer, words, preposition, after
    ):
        return
    short = " ".join([*words, *([preposition] if preposition else [])])
    first = first_part(after).strip()
    goes_on = first.split(" ")[0].lower() in PREPOSITIONS
    if not (clause.subject == "there" and answer.kind == "count"):
        yield Question(clause.asked(word, short), answer.key, answer.kind)
    if answer.kind != "name" and goes_on:
        yield Question(clause.asked(word, f"{short} {first}"), answer.key, answer.kind)


def _can_be_asked(
    clause: Clause, answer: AnswerSpan, before: Sequence[str], preposition: str, after: str
) -> bool:
    """Whether an answer can be asked for by itself, by the words around it in its clause.

    before: the words between the verb and the answer's preposition. after: the text behind it.
    """
    if len(before) > _LONGEST_BEFORE:
        return False  # it belongs to a clause within the clause
    lower = {word.lower() for word in before}
    last = before[-1].lower() if before else ""
    if last in _NOT_BEHIND.get(answer.kind, ()):
        return False
    is_within = bool(lower & (CLAUSE_OPENERS - {"to", "as"}))
    match answer.kind:
        case "count":
            return not is_within
        case "place":
            return _is_where_it_is(clause, before, after)
        case "name" | "quoted":
            # Without a preposition it ends a longer phrase: "the first X". After these it is a
            # place, an agent (clause_questions asks for it) or a part of something.
            is_part = preposition in {"in", "at", "on", "near", "by", "of"}
            stands_alone = bool(preposition) or not before
            is_known = clause.subject.lower() not in DEMONSTRATIVES
            return is_known and stands_alone and not is_part and not is_within
        case "time":
            return not (clause.is_copula and before)
        case "numbered":  # "at gate 4" and "has gate 4", but not "to use F4"
            stands_alone = bool(preposition) or last in DETERMINERS
            return not lower & CLAUSE_OPENERS and (
                stands_alone or (not before and bool(clause.base))
            )
    return True


def _is_where_it_is(clause: Clause, before: Sequence[str], after: str) -> bool:
    """Whether a place is where the clause's subject is or acts, not where something else is."""
    first, *_ = clause.subject.lower().split()
    within = {word.lower() for word in before} & CLAUSE_OPENERS
    return (
        first not in DEMONSTRATIVES | IT_OR_THEY
        and not within
        and not (before and before[-1].endswith("ing"))
        and not (clause.base and before and is_participle(before[-1:]))
        and not (before and before[-1].lower() in _LEANING)
        and not (clause.is_copula and {word.lower() for word in before} & DETERMINERS)
        and after.split(" ", maxsplit=1)[0] not in CLAUSE_OPENERS | {"by"}
    )


def questions_about_count(clause: Clause) -> Iterator[Question]:
    """Questions for a count behind "with": "with four taps on the line"."""
    for answer in answers_in(clause.rest):
        after = clause.rest[answer.end :].strip()
        where = first_part(after).strip(" .")
        is_with = clause.rest[: answer.start].endswith("with ")
        if answer.kind == "count" and is_with and where.split(" ")[0].lower() in _PLACING:
            counted = answer.question_words[0]
            yield Question(as_question(f"{counted} are {where}"), answer.key, "count")
