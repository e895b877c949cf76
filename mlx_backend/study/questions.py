"""Questions about a statement, written by rule from its grammar and its form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlx_backend.study.answers import Answer, answers_in
from mlx_backend.study.dictionary import (
    PREPOSITIONS,
    inflected,
    is_adjective,
    is_adverb,
    is_noun,
    is_participle,
    verb_bases,
)
from mlx_backend.study.grammar import Clause, as_spoken_within, clauses, is_whole
from mlx_backend.study.statements import Statement
from mlx_backend.words import word_set

_CALLED = re.compile(r"^(?:called|named|nicknamed|titled|known as) (.+)$")
_NAMING = frozenset({"call", "name", "nickname", "christen", "dub"})
_AGENT = re.compile(r"\bby ([A-ZÀ-Þ][^,;]*?)(?= (?:in|at|on|and|for|with|from)\b|[,;]|$)")
_FIRST_PART = re.compile(r",\s|[;(]| (?:and|but|so|because|when) ")
_PAUSE = re.compile(r",\s|[;(]| (?:but|so|because|when) ")
_MEASURE = re.compile(
    r"^(?P<thing>[A-Za-zÀ-þ][A-Za-zÀ-þ' -]{2,40}?) (?P<value>\d[\d.,]*(?: [^\s,.;]+)?)$"
)
_ITSELF = word_set("it them they")
_PERSONS = word_set("i we you he she there this that these those")
_POINTING = word_set("this that these those such here there one")
_LONGEST_TOPIC = 4
_LONGEST_NAME = 5
_QUESTION_WORDS = word_set("what who where when why how which")
_DETERMINED = word_set("the this that my our your his her their its")
_WITHIN = word_set(
    "that if when as because than to what which who whether how whereas while although though"
)
# What "on" and "in" behind these begin is no place.
_LEANING = word_set(
    "right based depending depend depends rely relies focus focuses focused work works"
)
_BEGIN_NO_MEASURE = word_set("then since while and or last cost costs")
_NOT_SO = word_set("to by more less that what why how because when if")  # "is that ..."
_ORDINALS = word_set("first second third next last single new other")
_LINKING = word_set("get become seem look feel stay remain turn")  # what follows tells how it is
_REMARKS = word_set("note source tip hint warning update edit example todo caution important ps")
_POINTS_ELSEWHERE = re.compile(r"\b(?:following|above|below|the same|these|those)\b", re.IGNORECASE)
_CLAUSE_WORDS = word_set("i we you he she they is are was were has have had can will")
_PLAIN_ADVERBS = word_set(
    "best well badly worst better right out up off down back away home again here there not only"
)
# Kinds whose form says enough in a word or two.
_SHORT_KINDS = frozenset({"pair", "row", "measure", "called", "agent", "complement", "money"})
_SHORT_IN_SHORT = frozenset({"place", "time", "date", "day", "count"})
_SHORT_STATEMENT = 12
_NO_KEY = word_set(
    "it you we i they them us me he she this that these those one ones here there something"
)
_SAYS_NO_THING = word_set(
    "not also very what how that this as here there available able possible likely useful "
    "similar different easy hard great good nice worth just more less so too quite really"
)
_LONGEST_WORDS = 16
_LONGEST_KEY = 6


@dataclass(frozen=True)
class Question:
    """A question and `key`, the words of the statement that answer it."""

    text: str
    key: str
    kind: str


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
            or question.key.lower() in _NO_KEY
        ):
            continue
        short = question.kind in _SHORT_KINDS or (
            question.kind in _SHORT_IN_SHORT and len(statement.text.split()) <= _SHORT_STATEMENT
        )
        if not short and not is_whole(text):
            continue
        found.setdefault(text.casefold(), question)
    return list(found.values())


def topic_of(statement: Statement, before: str = "") -> str:
    """What a statement is about, for pronouns in the next one: the subject of its first clause."""
    if statement.is_row or statement.pairs:
        return ""
    for clause in clauses(statement.text):
        if clause.subject.lower() in _ITSELF:
            return before
        first = clause.subject.lower().split()[0]
        is_topic = first not in _PERSONS | _POINTING
        return clause.subject if is_topic and len(clause.subject.split()) <= _LONGEST_TOPIC else ""
    return ""


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
        yield from _of_pair(name, value)
    for clause in clauses(statement.text):
        yield from _of_clause(_resolved(clause, topic))
    for piece in re.split(r"[,;:]\s+", statement.text.rstrip(".")):
        yield from _of_measure(piece, name)


def _is_name_of_pair(name: str) -> bool:
    """Whether what stands before a colon names what stands behind it, and is no sentence."""
    words = name.lower().split()
    return (
        len(words) <= _LONGEST_NAME
        and "," not in name
        and not re.search(r"[a-z][A-Z]", name)  # a word of code, and what it printed
        and not _CLAUSE_WORDS & set(words)
        and words[0] not in _REMARKS
        and words[0] not in {"so", "if", "then", "and", "or", "never", "always", "here", "not"}
        and words[-1] not in {"like", "this", "with", "to", "as", "following"}
        and not (len(words) == 1 and _begins_with_doing(name.lower()))
        and not clauses(name)
    )


def _resolved(clause: Clause, topic: str) -> Clause:
    """A clause with what its pronoun stands for in its place, where that is known."""
    if not topic:
        return clause
    if clause.subject.lower() in _ITSELF:
        # "It is easy to ..." speaks of nothing.
        told = [word for word in clause.rest.lower().split() if word not in {"also", "not"}]
        first = told[0] if told else ""
        is_idle = clause.is_copula and (first in _SAYS_NO_THING or is_adjective(first))
        return clause if is_idle else replace(clause, subject=topic)
    first, _, rest = clause.rest.partition(" ")
    if first in _ITSELF and rest:
        return replace(clause, rest=f"{topic} {rest}", object=topic)
    return clause


def _of_measure(piece: str, name: str) -> Iterator[Question]:
    """As in "doubling time 94 minutes": what is the doubling time?"""
    measure = _MEASURE.match(piece)
    if not measure or clauses(piece):
        return
    thing = _lower(measure["thing"])
    first = thing.split()[0].lower()
    if first in PREPOSITIONS | _WITHIN | _BEGIN_NO_MEASURE:
        return
    if (" " not in thing and verb_bases(thing)) or thing.split()[-1].lower() in PREPOSITIONS:
        return
    if re.search(r"['’](?:d|m|re|ve|ll)\b", thing) or _CLAUSE_WORDS & set(thing.lower().split()):
        return
    about = f"{name}: " if name and name != measure["thing"] else ""
    yield Question(f"{about}{thing}?" if about else _sentence(thing), measure["value"], "measure")
    if not about and not thing.split()[-1].endswith("s"):
        article = "" if thing[0].isupper() or "'s " in thing else "the "
        yield Question(f"What is {article}{thing}?", measure["value"], "measure")


def _of_row(statement: Statement) -> Iterator[Question]:
    (head, subject), *others = statement.pairs
    for name, value in others:
        yield Question(f"{subject}: {name.lower()}?", value, "row")
        if is_noun(name.lower()) and name.lower() not in _QUESTION_WORDS:
            yield Question(f"What is the {name.lower()} of {subject}?", value, "row")
        for answer in answers_in(value):
            if answer.kind not in {"name", "place"}:
                yield Question(f"{subject}: {answer.question_words[0]}?", answer.key, "row")
        if is_noun(head.lower()):
            text = f"Which {head.lower()} is listed with {name.lower()} {value}?"
            yield Question(text, subject, "row")


def _of_pair(name: str, value: str) -> Iterator[Question]:
    value = value.rstrip(".")
    first = _FIRST_PART.split(value)[0]
    for answer in answers_in(value):
        if answer.kind not in {"name", "place"}:
            yield Question(f"{name}: {answer.question_words[0]}?", answer.key, "pair")
    if len(first.split()) <= _LONGEST_KEY:
        yield Question(f"{name}?", first, "pair")
        is_told = name.split(maxsplit=1)[0].lower() in _DETERMINED
        if first == value and not name.endswith("s"):
            yield Question(f"What is {'' if is_told else 'the '}{_lower(name)}?", first, "pair")


def _of_clause(clause: Clause) -> Iterator[Question]:
    yield from _of_naming(clause)
    yield from _of_agent(clause)
    for answer in answers_in(clause.rest):
        if answer.kind == "name" and clause.is_copula and answer.start == 0:
            continue  # asked for as a whole below
        for word in answer.question_words:
            yield from _about(clause, answer, word)
    yield from _of_complement(clause)
    yield from _of_subject(clause)


def _about(clause: Clause, answer: Answer, word: str) -> Iterator[Question]:
    before, after = clause.rest[: answer.start], clause.rest[answer.end :].strip(" ,")
    words = before.split()
    if answer.kind == "place" and not _is_where_it_is(clause, words, after):
        return
    if re.search(r",\s|[;:(]| and | or ", before):
        return  # behind a pause comes another matter
    preposition = ""
    if answer.kind in {"name", "count", "money"} and words and words[-1].lower() in PREPOSITIONS:
        preposition = words[-1].lower()
        words = words[:-1]
    if answer.kind in {"name", "quoted"}:
        if clause.subject.lower() in _ITSELF or clause.subject.lower() in _POINTING:
            return
        if preposition in {"in", "at", "on", "near", "by", "of"}:
            return  # a place, asked for as who did it, or a part of something
        if not preposition and words:
            return  # the tail of a longer phrase: "the first X"
    if clause.is_copula and words and not preposition and answer.kind == "time":
        return
    short = " ".join([*words, *([preposition] if preposition else [])])
    yield Question(clause.asked(word, short), answer.key, answer.kind)
    first = _FIRST_PART.split(after)[0].strip() if after else ""
    if answer.kind != "name" and first.split(" ")[0].lower() in PREPOSITIONS:
        yield Question(clause.asked(word, f"{short} {first}"), answer.key, answer.kind)


def _is_where_it_is(clause: Clause, before: Sequence[str], after: str) -> bool:
    """Whether a place is that of what the clause speaks of, and not of something said within it."""
    first, *_ = clause.subject.lower().split()
    within = {word.lower() for word in before} & _WITHIN
    return (
        first not in _POINTING | _ITSELF
        and not within
        and not (before and before[-1].endswith("ing"))
        and not (before and before[-1].lower() in _LEANING)
        and after.split(" ", maxsplit=1)[0] not in _WITHIN | {"by"}
    )


def _of_naming(clause: Clause) -> Iterator[Question]:
    called = _CALLED.match(clause.rest)
    if called and clause.is_copula:
        name = _FIRST_PART.split(called[1])[0].strip()
        yield Question(clause.asked("what", "called"), name, "called")
        yield Question(f"What is the name of {clause.subject}?", name, "called")
        yield Question(f"What do we call {clause.subject}?", name, "called")
        yield Question(f"Who or what is called {name}?", clause.subject, "called")
    if clause.base in _NAMING and clause.object and clause.rest.startswith(clause.object):
        name = _FIRST_PART.split(clause.rest.removeprefix(clause.object))[0].strip()
        if name[:1].isupper():
            yield Question(clause.asked("what", clause.object), name, "called")
            yield Question(f"What is {clause.object} called?", name, "called")
            yield Question(f"What is called {name}?", clause.object, "called")


def _of_agent(clause: Clause) -> Iterator[Question]:
    """As in "The hub was rebuilt by Benno": who rebuilt the hub?"""
    if not clause.is_copula or not clause.rest:
        return
    participle, _, rest = clause.rest.partition(" ")
    agent = _AGENT.search(rest)
    bases = verb_bases(participle.lower())
    if not agent or not bases:
        return
    is_past = clause.verb in {"was", "were"}
    verb = inflected(bases[0], "VBD" if is_past else "VBZ")
    between = rest[: agent.start()].strip()
    yield Question(_sentence(f"who {verb} {clause.subject} {between}"), agent[1].strip(), "agent")


def _of_complement(clause: Clause) -> Iterator[Question]:
    first = _whole_part(clause.rest)
    words = first.split()
    if not words or len(words) > _LONGEST_KEY or words[0].lower() in PREPOSITIONS:
        return
    if "not" in clause.adverb or clause.base in _LINKING or is_adverb(words[0].lower()):
        return
    if clause.is_copula:
        if is_participle(words) or _begins_with_doing(words[0].lower()):
            return  # "is kept", "was rebuilt", "is leaving"
        subject = clause.subject.lower()
        if words[0].lower() in _SAYS_NO_THING or subject in _PERSONS | _ITSELF:
            return
        if subject.split()[0] in _POINTING:
            return
        is_plain = len(words) == 1 and is_adjective(words[0].lower())
        if (
            is_plain
            or first.endswith(":")
            or _begins_with_doing(subject)
            or _POINTS_ELSEWHERE.search(first)
        ):
            return
        yield Question(clause.asked("what", ""), first, "complement")
        if words[0][0].isupper() and "-" not in words[0]:
            yield Question(clause.asked("who", ""), first, "complement")
    elif clause.base:
        ends = PREPOSITIONS - {"of"}
        cut = next((i for i, word in enumerate(words) if word.lower() in ends), len(words))
        thing = " ".join(words[:cut])
        if thing and not _is_no_thing(thing):
            remaining = " ".join(words[cut:])
            yield Question(clause.asked("what", remaining), thing, "object")


def _begins_with_doing(text: str) -> bool:
    first = text.split(maxsplit=1)[0]
    return first.endswith("ing") and bool(verb_bases(first))


def _whole_part(rest: str) -> str:
    return _PAUSE.split(rest)[0].strip()


def _is_no_thing(text: str) -> bool:
    """Whether a piece of a sentence is not what the verb acts on, or not the whole of it."""
    words = text.lower().split()
    first, last = words[0], words[-1]
    return (
        text[0].isdigit()
        or first in _PLAIN_ADVERBS | _ITSELF | _NO_KEY | _SAYS_NO_THING
        or first in {"to", "if", "when", "whether"}
        or words[:2] in (["a", "lot"], ["a", "bit"], ["a", "little"])
        or last in _DETERMINED | _ORDINALS | {"a", "an", "to", "and", "or"}
        or bool(_POINTS_ELSEWHERE.search(text))
        or bool(_CLAUSE_WORDS & set(words))
        or (len(words) > 1 and is_adjective(last))
    )


def _of_subject(clause: Clause) -> Iterator[Question]:
    subject = clause.subject
    first = subject.lower().split()[0]
    if not clause.rest or subject.lower() in _ITSELF | _PERSONS or first in _POINTING:
        return
    if len(subject.split()) > _LONGEST_KEY or (clause.is_copula and "not" in clause.adverb):
        return
    rest = _whole_part(clause.rest)
    if (
        not rest
        or rest.split()[-1].lower() in PREPOSITIONS | _ORDINALS
        or _POINTS_ELSEWHERE.search(rest)
    ):
        return
    if _POINTS_ELSEWHERE.search(subject) or subject.endswith(":"):
        return
    if clause.is_copula and (rest.split()[0] in _NOT_SO or _says_little(rest)):
        return
    yield Question(clause.asked_for_subject("what", rest), subject, "subject")
    if subject[0].isupper():
        yield Question(clause.asked_for_subject("who", rest), subject, "subject")


def _says_little(rest: str) -> bool:
    """Whether too many things are so to ask which: "is 14", "is on Monday"."""
    found = answers_in(rest)
    return len(rest.split()) < 2 or any(
        answer.kind not in {"name", "place"} and answer.start == 0 for answer in found
    )


def _sentence(text: str) -> str:
    text = " ".join(text.split()).strip(" ,;:.")
    return f"{text[:1].upper()}{text[1:]}?"


def _lower(name: str) -> str:
    return as_spoken_within(name)
