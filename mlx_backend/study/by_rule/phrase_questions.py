"""Questions about phrases that are no clauses: fragments, appositions and measures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlx_backend.study.by_rule.clause_questions import questions_about_clause
from mlx_backend.study.by_rule.detail_questions import questions_about_details
from mlx_backend.study.by_rule.function_words import (
    CLAUSE_OPENERS,
    CLAUSE_WORDS,
    DEFINITE,
    DEMONSTRATIVES,
    INDEFINITE,
    IT_OR_THEY,
    UNNAMED_SUBJECTS,
)
from mlx_backend.study.by_rule.grammar import Clause, clause_about, clauses
from mlx_backend.study.by_rule.question_text import Question, as_question, uncapitalised
from mlx_backend.text.dictionary import PREPOSITIONS, could_be_noun, looks_plural, verb_bases
from mlx_backend.text.words import word_set

_MEASURE = re.compile(
    r"^(?P<thing>[A-Za-zÀ-þ][A-Za-zÀ-þ' -]{2,40}?) (?P<value>\d[\d.,]*(?: [^\s,.;]+)?)$"
)
_NAME = r"(?P<name>[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)*)"
_WHO = re.compile(rf"{_NAME}, who (?P<does>[^,;:.]+)")
_BY_NAME = re.compile(rf"by {_NAME}")
_APPOSED = re.compile(
    rf"^(?P<what>(?:The|Our|My|Their|His|Her) (?:[a-z]+ ){{0,2}}[a-z]+), {_NAME},"
)
_BEGIN_NO_MEASURE = word_set("then since while and or last cost costs not hit press let's")
_OF_TIME = frozenset({"date", "day", "time", "month"})
_LONGEST_THING = 4  # words
_LONGEST_FRAGMENT = 12


def questions_about_fragment(text: str) -> Iterator[Question]:
    """Questions about a phrase without a verb, as in "Yearly audit by Ida Lund."."""
    words = text.rstrip(".").split()
    end = next((i for i, word in enumerate(words) if word.lower() in PREPOSITIONS), 0)
    thing = words[:end]
    is_thing = thing and could_be_noun(thing[-1].lower()) and all(map(str.isalpha, thing))
    if not is_thing or end > _LONGEST_THING or len(words) > _LONGEST_FRAGMENT:
        return
    if thing[0].lower() in DEFINITE | DEMONSTRATIVES | INDEFINITE | UNNAMED_SUBJECTS | IT_OR_THEY:
        return
    verb = "are" if looks_plural(thing[-1]) else "is"
    clause = Clause(f"the {uncapitalised(' '.join(thing))}", "", verb, " ".join(words[end:]))
    if by := _BY_NAME.match(clause.rest):
        yield Question(clause.asked("who", "by"), by["name"], "agent")
    for question in questions_about_details(clause):
        if question.kind in _OF_TIME:
            yield question


def questions_about_someone_within(text: str) -> Iterator[Question]:
    """Questions about a person in an apposition, as in "Our baker, Ida Lund, ..."."""
    for person in _WHO.finditer(text):
        clause = clause_about(person["name"], person["does"], is_verb=True)
        if clause is not None:
            yield from questions_about_clause(clause)
    if apposed := _APPOSED.match(text):
        what = uncapitalised(apposed["what"])
        yield Question(f"Who is {what}?", apposed["name"], "called")
        yield Question(f"What is {what} called?", apposed["name"], "called")


def questions_about_measure(piece: str, name: str) -> Iterator[Question]:
    """Questions about a measure, as in "baking time 40 minutes".

    `name` is what stands before the statement's colon; "" without one.
    """
    measure = _MEASURE.match(piece)
    if not measure or clauses(piece):
        return
    thing = uncapitalised(measure["thing"])
    first = thing.split()[0].lower()
    if first in PREPOSITIONS | CLAUSE_OPENERS | _BEGIN_NO_MEASURE:
        return
    if (" " not in thing and verb_bases(thing)) or thing.split()[-1].lower() in PREPOSITIONS:
        return
    if thing.split()[-1][0].isupper() and " " not in measure["value"]:
        return  # a version, or a part of a name: "Rails 6.1"
    if re.search(r"['’](?:d|m|re|ve|ll)\b", thing) or CLAUSE_WORDS & set(thing.lower().split()):
        return
    about = f"{name}: " if name and name != measure["thing"] else ""
    yield Question(f"{about}{thing}?" if about else as_question(thing), measure["value"], "measure")
    if not about and not thing.split()[-1].endswith("s"):
        article = "" if thing[0].isupper() or "'s " in thing else "the "
        yield Question(f"What is {article}{thing}?", measure["value"], "measure")
