"""Questions about a statement, written by rule from its grammar and its form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mlx_backend.private_data.masking import MASKED
from mlx_backend.study.by_rule.answers import answers_in
from mlx_backend.study.by_rule.clause_questions import (
    CLAUSE_WORDS,
    DETERMINED,
    ITSELF,
    NO_KEY,
    PERSONS,
    POINTING,
    SAYS_NO_THING,
    WITHIN,
    Question,
    questions_about_clause,
    questions_about_rest,
)
from mlx_backend.study.by_rule.grammar import (
    Clause,
    as_question,
    as_spoken_within,
    clause_about,
    clauses,
    is_whole,
    stands_alone,
)
from mlx_backend.study.by_rule.pair_questions import questions_about_pair
from mlx_backend.study.by_rule.statements import Statement
from mlx_backend.text.dictionary import (
    PREPOSITIONS,
    begins_with_doing,
    could_be_noun,
    finite_base,
    is_adjective,
    is_noun,
    is_participle,
    looks_plural,
    verb_bases,
)
from mlx_backend.text.words import word_set

_MEASURE = re.compile(
    r"^(?P<thing>[A-Za-zÀ-þ][A-Za-zÀ-þ' -]{2,40}?) (?P<value>\d[\d.,]*(?: [^\s,.;]+)?)$"
)
_WHO = re.compile(r"(?P<name>[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)*), who (?P<does>[^,;:.]+)")
_BY_NAME = re.compile(r"by (?P<name>[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)*)")
_APPOSED = re.compile(
    r"^(?P<what>(?:The|Our|My|Their|His|Her) (?:[a-z]+ ){0,2}[a-z]+), "
    r"(?P<name>[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)*),"
)
_INDEFINITE = word_set("a an any some another each every both all most many")
_QUESTION_WORDS = word_set("what who where when why how which")
_BEGIN_NO_MEASURE = word_set("then since while and or last cost costs not hit press let's")
_REMARKS = word_set(
    "note source tip hint warning update edit example todo caution caveat important ps also"
)
NAMED_KINDS = frozenset({"pair", "row", "measure"})
"""Questions of a name and its value ("Rent?"), short on purpose: nothing in them breaks off."""
# Kinds whose form says enough in a word or two.
_SHORT_KINDS = NAMED_KINDS | {"called", "agent", "complement", "money"}
_SHORT_IN_SHORT = frozenset({"place", "time", "date", "day", "count"})
_OF_TIME = frozenset({"date", "day", "time", "month"})
_SHORT_STATEMENT = 12
_LONGEST_TOPIC = 4
_LONGEST_NAME = 5
_LONGEST_POINTING = 2  # "this term", but not "this gives the same"
_LONGEST_WORDS = 16


def questions_about(statement: Statement, topic: str = "") -> list[Question]:
    """Questions that the statement answers, without repeats.

    `topic` is what a pronoun in it stands for: what the statement before was about.
    """
    found: dict[str, Question] = {}
    for question in _all(statement, topic):
        text = question.text
        if len(text.split()) > _LONGEST_WORDS or not question.key.strip():
            continue
        if (
            _is_torn(text)
            or _is_torn(question.key)
            or _mentions(text, question.key)
            or MASKED.search(question.key)
            or question.key.lower() in NO_KEY
        ):
            continue
        short = question.kind in _SHORT_KINDS or (
            question.kind in _SHORT_IN_SHORT and len(statement.text.split()) <= _SHORT_STATEMENT
        )
        if not short and not is_whole(text):
            continue
        if question.kind not in NAMED_KINDS and not stands_alone(text):
            continue
        found.setdefault(text.casefold(), question)
    return list(found.values())


def topic_of(statement: Statement, before: str = "") -> str:
    """What a statement is about, for pronouns in the next one: the subject of its first clause."""
    if statement.is_row or statement.pairs or statement.is_torn:
        return ""
    for clause in clauses(statement.text):
        if clause.subject.lower() in ITSELF:
            return before
        first = clause.subject.lower().split()[0]
        is_topic = first not in PERSONS | POINTING | _INDEFINITE and not _names_another(clause)
        return clause.subject if is_topic and len(clause.subject.split()) <= _LONGEST_TOPIC else ""
    return ""


def _names_another(clause: Clause) -> bool:
    """Whether "it" could as well be what is acted on: "Anna bought the kiln", "it ate the book"."""
    if clause.is_copula or not clause.base:
        return False
    words = clause.rest.lower().split()
    return bool(words) and words[0] in DETERMINED | {"a", "an"}


def _is_torn(text: str) -> bool:
    """Whether a text holds the end of a sentence, or half of what stands between two marks."""
    pairs = (text.count(opening) != text.count(closing) for opening, closing in ("()", "[]", "{}"))
    return ". " in text or any(pairs) or text.count("`") % 2 == 1 or text.count('"') % 2 == 1


def _mentions(text: str, key: str) -> bool:
    return f" {key.casefold()} " in f" {text.casefold().rstrip('?')} "


def _all(statement: Statement, topic: str) -> Iterator[Question]:
    if statement.is_row:
        yield from _of_row(statement)
        return
    name = ""
    if statement.pairs and _is_name_of_pair(statement.pairs[0][0]):
        ((name, value),) = statement.pairs
        yield from questions_about_pair(name, value)
    asks = statement.text.rstrip("_*'").endswith("?")
    told = [] if asks or statement.is_torn else clauses(statement.text)
    for clause in told:
        yield from questions_about_clause(_resolved(clause, topic))
    if not (told or name or asks or statement.is_torn):
        yield from _of_fragment(statement.text)
    yield from _of_someone_within(statement.text)
    for piece in re.split(r"[,;:]\s+", statement.text.rstrip(".")):
        yield from _of_measure(piece, name)


def _is_name_of_pair(name: str) -> bool:
    """Whether what stands before a colon names what stands behind it, and is no sentence."""
    words = name.lower().split()
    return (
        len(words) <= _LONGEST_NAME
        and "," not in name
        and not re.search(r"[a-z][A-Z]", name)  # a word of code, and what it printed
        and not CLAUSE_WORDS & set(words)
        and not _REMARKS & {words[0], words[-1]}
        and not (words[0] in POINTING and len(words) > _LONGEST_POINTING)
        and words[0] not in {"so", "if", "then", "and", "or", "never", "always", "here", "not"}
        and words[-1] not in {"like", "this", "with", "to", "as", "following"}
        and not (len(words) == 1 and begins_with_doing(name.lower()))
        and not clauses(name)
    )


def _resolved(clause: Clause, topic: str) -> Clause:
    """A clause with what its pronoun stands for in its place, where that is known."""
    if not topic:
        return clause
    is_many = looks_plural(topic) or " and " in topic
    if clause.subject.lower() in {"they", "them"} and not is_many:
        return clause
    if clause.subject.lower() in ITSELF:
        # "It is easy to ..." speaks of nothing.
        told = [word for word in clause.rest.lower().split() if word not in {"also", "be", "not"}]
        first = told[0] if told else ""
        is_how = first in SAYS_NO_THING or (is_adjective(first) and clause.is_copula)
        is_idle = is_how and (clause.is_copula or clause.rest.startswith("be "))
        return clause if is_idle else replace(clause, subject=topic)
    first, _, rest = clause.rest.partition(" ")
    if first in ITSELF and rest:
        return replace(clause, rest=f"{topic} {rest}", object=topic)
    return clause


def _of_fragment(text: str) -> Iterator[Question]:
    """As in "Yearly audit by Ida Lund.": who is the yearly audit by?"""
    words = text.rstrip(".").split()
    end = next((i for i, word in enumerate(words) if word.lower() in PREPOSITIONS), 0)
    thing = words[:end]
    is_thing = thing and could_be_noun(thing[-1].lower()) and all(map(str.isalpha, thing))
    if not is_thing or end > _LONGEST_TOPIC or len(words) > _SHORT_STATEMENT:
        return
    if thing[0].lower() in DETERMINED | POINTING | _INDEFINITE | PERSONS | ITSELF:
        return
    verb = "are" if looks_plural(thing[-1]) else "is"
    clause = Clause(f"the {_lower(' '.join(thing))}", "", verb, " ".join(words[end:]))
    if by := _BY_NAME.match(clause.rest):
        yield Question(clause.asked("who", "by"), by["name"], "agent")
    for question in questions_about_rest(clause):
        if question.kind in _OF_TIME:
            yield question


def _of_someone_within(text: str) -> Iterator[Question]:
    """As in "Our baker, Ida Lund, ..." and "for Ida, who bakes": who is it, and what is said."""
    for told in _WHO.finditer(text):
        clause = clause_about(told["name"], told["does"], is_verb=True)
        if clause is not None:
            yield from questions_about_clause(clause)
    if apposed := _APPOSED.match(text):
        what = _lower(apposed["what"])
        yield Question(f"Who is {what}?", apposed["name"], "called")
        yield Question(f"What is {what} called?", apposed["name"], "called")


def _of_measure(piece: str, name: str) -> Iterator[Question]:
    """As in "baking time 40 minutes": what is the baking time?"""
    measure = _MEASURE.match(piece)
    if not measure or clauses(piece):
        return
    thing = _lower(measure["thing"])
    first = thing.split()[0].lower()
    if first in PREPOSITIONS | WITHIN | _BEGIN_NO_MEASURE:
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


def _of_row(statement: Statement) -> Iterator[Question]:
    (head, subject), *others = statement.pairs
    for name, value in others:
        yield Question(f"{subject}: {name.lower()}?", value, "row")
        if is_noun(name.lower()) and name.lower() not in _QUESTION_WORDS:
            yield Question(f"What is the {name.lower()} of {subject}?", value, "row")
        yield from _of_head(subject, name.lower(), value)
        for answer in answers_in(value):
            if answer.kind not in {"name", "place"}:
                yield Question(f"{subject}: {answer.question_words[0]}?", answer.key, "row")
        if is_noun(head.lower()):
            text = f"Which {head.lower()} is listed with {name.lower()} {value}?"
            yield Question(text, subject, "row")


def _of_head(subject: str, head: str, value: str) -> Iterator[Question]:
    """Of a column whose head is half a sentence: "where it stands", "used for"."""
    first, *others = head.split()
    if first in _QUESTION_WORDS and len(others) == 2 and others[0] in ITSELF | PERSONS:
        if base := finite_base(others[1]):
            yield Question(as_question(f"{first} does {subject} {base}"), value, "row")
    elif is_participle([first]) and others and others[-1] in PREPOSITIONS:
        word = "who" if others[-1] == "by" else "what"
        yield Question(as_question(f"{word} is {subject} {head}"), value, "row")
        yield Question(as_question(f"what is {head} {value}"), subject, "row")


def _lower(name: str) -> str:
    return as_spoken_within(name)
