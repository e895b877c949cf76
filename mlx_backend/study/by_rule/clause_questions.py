"""Questions about one clause: for what stands in it, what it says something is, and who does it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlx_backend.study.by_rule.answers import Answer, answers_in, may_be_person
from mlx_backend.study.by_rule.grammar import Clause, as_question
from mlx_backend.text.dictionary import (
    DETERMINERS,
    PREPOSITIONS,
    begins_with_doing,
    inflected,
    is_adjective,
    is_adverb,
    is_participle,
    may_be_adjective,
    verb_bases,
)
from mlx_backend.text.words import word_set

ITSELF = word_set("it them they")
PERSONS = word_set("i we you he she there this that these those")
POINTING = word_set("this that these those such here there one")
# Where one of these begins, another clause does.
WITHIN = word_set(
    "that if when as because than to what which who whether how whereas while although though"
)
CLAUSE_WORDS = word_set("i we you he she they it is are was were has have had can will")
SAYS_NO_THING = word_set(
    "not also very what how that this as here there available able possible likely useful "
    "similar different easy hard great good nice perfect ideal worth just more less so too quite "
    "really"
)
_DENYING = word_set("not never no nor neither cannot without hardly barely nearly almost")
NO_KEY = word_set(
    "it you we i they them us me him he she this that these those one ones here there something "
    "anything everything nothing everyone nobody all both some many most another myself yourself "
    "itself themselves"
)

_CALLED = re.compile(
    r"^(?:called|named|nicknamed|titled|known as) (?!after|for|by)(.+?)(?= in the |$)"
)
_NAMING = frozenset({"call", "name", "nickname", "christen", "dub"})
_AGENT = re.compile(r"\bby ([A-ZÀ-Þ][^,;]*?)(?= (?:in|at|on|and|for|with|from)\b|[,;]|$)")
_PAUSE = re.compile(r",\s|[;(]| (?:but|so|because|when) ")
FIRST_PART = re.compile(rf"{_PAUSE.pattern}| and ")
"""What a text is split at for its first part."""
_OTHER_MATTER = re.compile(r",\s|[;:(]| and | or ")
DETERMINED = word_set("the this that my our your his her their its")
# What "on" and "in" behind these begin is no place.
_LEANING = word_set(
    "right based depending depend depends rely relies focus focuses focused work works look peek "
    "glance"
)
_LEAVES_SO = word_set("make want")  # ... something as it is, or to do something
_TELLS_WHEN = word_set("tell tells know knows see decide determine choose")
_THIS = word_set("this that these those")
_NOT_SO = word_set("to by with more less that what why how because when if")  # "is that ..."
_HEDGES = word_set("probably perhaps maybe likely now then usually often")
_ORDINALS = word_set("first second third next last single new other")
# Which one of them, only the sentence before says.
_SIDES = word_set("left right former latter first second third last other next one")
_LINKING = word_set("get become seem look feel stay remain turn")  # what follows tells how it is
_POINTS_ELSEWHERE = re.compile(r"\b(?:following|above|below|the same|these|those)\b", re.IGNORECASE)
# What follows a comma where no list goes on.
_GO_ON = PREPOSITIONS | word_set(
    "which who whom whose where so and but then because when while if not though although even "
    "i we you he she they it this that there to as"
)
# "the $1 and $2" are no money, and "after 3 days" is a point in time.
_NOT_BEHIND = {"money": DETERMINERS, "length of time": word_set("at after before")}
_PLAIN_ADVERBS = word_set(
    "best well badly worst better right out up off down back away home again here there not only"
)
_SOME = word_set("most some many few several")
_A_SOMETHING = (["a", "time"], ["a", "way"], ["a", "thing"], ["a", "place"], ["no", "way"])
_A_BIT = (["a", "lot"], ["a", "bit"], ["a", "little"])
_TAGS = re.compile(r",? (?:though|too|as well|either|anyway|instead|of course|however)$")
_AFTER_PREPOSITION = frozenset({"name", "count", "money", "numbered"})
_PLACING = frozenset({"in", "on", "at", "behind", "under"})
# "red, blue and green": no part of it is the answer.
_LISTED = re.compile(r"^[^,;:()]+(?:(?:, [^,;:()]+)+,? (?:and|or) [^,;:()]+|(?:, [^,;:()]+){2,})$")
_AND_ANOTHER = re.compile(rf" and (?=(?:{'|'.join(DETERMINED | {'a', 'an'})}) )")
LONGEST_KEY = 6
_LONGEST_JOINED = 10
_DENIED_AT_MOST = 3  # words behind the verb: "not called Hal", "no longer repaired by"
_LONGEST_LIST = 12
_FEW = 2
_LONGEST_BEFORE = 8
_LONGEST_PRAISE = 3


@dataclass(frozen=True)
class Question:
    """A question and `key`, the words of the statement that answer it."""

    text: str
    key: str
    kind: str


def questions_about_clause(clause: Clause) -> Iterator[Question]:
    """What can be asked about a clause that is understood; not all of it reads well."""
    if clause.subject.lower() in ITSELF | _THIS or _POINTS_ELSEWHERE.search(clause.subject):
        return  # nobody knows what it is
    if clause.base == "turn" and clause.rest == "out":
        return  # "it turns out"
    if not _DENYING & set(f"{clause.adverb} {clause.rest}".lower().split()[:_DENIED_AT_MOST]):
        yield from _of_naming(clause)
        yield from _of_agent(clause)
    yield from _of_counted(clause)
    yield from questions_about_rest(clause)
    yield from _of_complement(clause)
    yield from _of_subject(clause)


def questions_about_rest(clause: Clause) -> Iterator[Question]:
    """What the rest of a clause answers piece by piece: who, when, where, how many."""
    for answer in answers_in(clause.rest):
        if answer.kind == "name" and clause.is_copula and answer.start == 0:
            continue  # asked for as a whole
        for word in answer.question_words:
            yield from _about(clause, answer, word)


def _about(clause: Clause, answer: Answer, word: str) -> Iterator[Question]:
    before, after = clause.rest[: answer.start], clause.rest[answer.end :].strip(" ,")
    words = before.split()
    preposition = ""
    if answer.kind in _AFTER_PREPOSITION and words and words[-1].lower() in PREPOSITIONS:
        preposition = words.pop().lower()
    if _OTHER_MATTER.search(_AND_ANOTHER.sub(" ", before)) or not _can_be_asked(
        clause, answer, words, preposition, after
    ):
        return
    short = " ".join([*words, *([preposition] if preposition else [])])
    first = FIRST_PART.split(after)[0].strip()
    goes_on = first.split(" ")[0].lower() in PREPOSITIONS
    if not (clause.subject == "there" and answer.kind == "count"):
        yield Question(clause.asked(word, short), answer.key, answer.kind)
    if answer.kind != "name" and goes_on:
        yield Question(clause.asked(word, f"{short} {first}"), answer.key, answer.kind)


def _can_be_asked(
    clause: Clause, answer: Answer, before: Sequence[str], preposition: str, after: str
) -> bool:
    """Whether a piece of a clause is a matter of its own; `before` stands before `preposition`."""
    if len(before) > _LONGEST_BEFORE:
        return False  # it belongs to what is said within
    lower = {word.lower() for word in before}
    last = before[-1].lower() if before else ""
    if last in _NOT_BEHIND.get(answer.kind, ()):
        return False
    is_within = bool(lower & (WITHIN - {"to", "as"}))
    match answer.kind:
        case "count":
            return not is_within
        case "place":
            return _is_where_it_is(clause, before, after)
        case "name" | "quoted":
            # Without a preposition it is the tail of a longer phrase, "the first X"; with these it
            # is a place, asked for as who did it, or a part of something.
            is_part = preposition in {"in", "at", "on", "near", "by", "of"}
            stands_alone = bool(preposition) or not before
            is_known = clause.subject.lower() not in POINTING
            return is_known and stands_alone and not is_part and not is_within
        case "time":
            return not (clause.is_copula and before)
        case "numbered":  # "at gate 4" and "has gate 4", but not "to use F4"
            stands_alone = bool(preposition) or last in DETERMINERS
            return not lower & WITHIN and (stands_alone or (not before and bool(clause.base)))
    return True


def _is_where_it_is(clause: Clause, before: Sequence[str], after: str) -> bool:
    """Whether a place is that of what the clause speaks of, and not of something said within it."""
    first, *_ = clause.subject.lower().split()
    within = {word.lower() for word in before} & WITHIN
    return (
        first not in POINTING | ITSELF
        and not within
        and not (before and before[-1].endswith("ing"))
        and not (clause.base and before and is_participle(before[-1:]))
        and not (before and before[-1].lower() in _LEANING)
        and not (clause.is_copula and {word.lower() for word in before} & DETERMINERS)
        and after.split(" ", maxsplit=1)[0] not in WITHIN | {"by"}
    )


def _of_naming(clause: Clause) -> Iterator[Question]:
    called = _CALLED.match(clause.rest)
    if called and clause.is_copula and clause.subject.lower() not in PERSONS:
        name = FIRST_PART.split(called[1])[0].strip()
        yield Question(clause.asked("what", "called"), name, "called")
        yield Question(f"What is the name of {clause.subject}?", name, "called")
        yield Question(f"What do we call {clause.subject}?", name, "called")
        yield Question(f"Who or what is called {name}?", clause.subject, "called")
    if clause.base in _NAMING and clause.object and clause.rest.startswith(clause.object):
        name = FIRST_PART.split(clause.rest.removeprefix(clause.object))[0].strip()
        if name[:1].isupper():
            yield Question(clause.asked("what", clause.object), name, "called")
            yield Question(f"What is {clause.object} called?", name, "called")
            yield Question(f"What is called {name}?", clause.object, "called")


def _of_agent(clause: Clause) -> Iterator[Question]:
    """As in "The mill was painted by Oskar": who painted the mill?"""
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


def _of_counted(clause: Clause) -> Iterator[Question]:
    """As in "with four taps on the line": how many taps are on the line?"""
    for answer in answers_in(clause.rest):
        after = clause.rest[answer.end :].strip()
        where = FIRST_PART.split(after)[0].strip(" .")
        is_with = clause.rest[: answer.start].endswith("with ")
        if answer.kind == "count" and is_with and where.split(" ")[0].lower() in _PLACING:
            counted = answer.question_words[0]
            yield Question(as_question(f"{counted} are {where}"), answer.key, "count")


def _of_complement(clause: Clause) -> Iterator[Question]:
    if "not" in clause.adverb or clause.base in _LINKING:
        return
    first = _whole_part(clause.rest)
    words = first.split()
    if not words or words[0].lower() in PREPOSITIONS:
        return
    if len(words) > LONGEST_KEY and (clause.is_copula or not clause.base):
        return
    if clause.is_copula and _says_what_it_is(clause.subject, first):
        if listed := _LISTED.match(clause.rest):
            if len(listed[0].split()) <= _LONGEST_LIST:
                yield Question(clause.asked("what", ""), listed[0], "complement")
            return
        yield Question(clause.asked("what", ""), first, "complement")
        if may_be_person(first):
            yield Question(clause.asked("who", ""), first, "complement")
    elif clause.base and not is_adverb(words[0].lower()) and not _is_list(clause.rest):
        if clause.subject.split()[0].lower() == "one":
            return  # "one in particular": of which, only the text before tells
        ends = PREPOSITIONS - {"of"}
        cut = next((i for i, word in enumerate(words) if word.lower() in ends), len(words))
        thing = " ".join(words[:cut])
        is_long = len(words) > (_LONGEST_JOINED if _AND_ANOTHER.search(thing) else LONGEST_KEY)
        if (
            thing
            and not is_long
            and not _is_no_thing(thing)
            and not _is_done_to(clause.base, words[1:cut])
        ):
            remaining = " ".join(words[cut:])
            if remaining and clause.base in _LEAVES_SO:
                return  # "makes searching for text even easier"
            yield Question(clause.asked("what", remaining), thing, "object")


def _says_what_it_is(subject: str, text: str) -> bool:
    """Whether what follows "is" names what the subject is, rather than how."""
    words = text.lower().split()
    subjects = subject.lower().split()
    is_how = (
        is_adverb(words[0])
        or is_participle(words)  # "is kept", "was rebuilt"
        or begins_with_doing(text.lower())
        or SAYS_NO_THING & set(words[:2])
        or words[:2] in _A_BIT
        or {"enough", "then"} & set(words)
        or words[:2] == ["one", "of"]
        or (len(words) == 1 and is_adjective(words[0]))
        or words[-1] in PREPOSITIONS | {"and", "or"}
        or text.endswith(":")
        or _POINTS_ELSEWHERE.search(text)
        or (words[0] in {"a", "an"} and len(words) == 2 and may_be_adjective(words[1]))
        or (may_be_adjective(words[0]) and words[1:2] and words[1] in PREPOSITIONS - {"of"})
    )
    is_known = (
        subjects[0] not in POINTING | _SOME
        and subject.lower() not in PERSONS
        and subjects[-1] not in _SIDES | {"ones"}
        and not begins_with_doing(subject.lower())
    )
    return is_known and not is_how


def _is_done_to(base: str, words: Sequence[str]) -> bool:
    """As in "has undo built in": the object and what was done to it."""
    return base == "have" and any(is_participle([word]) for word in words)


def _is_no_thing(text: str) -> bool:
    """Whether a piece of a sentence is not what the verb acts on, or not the whole of it."""
    words = text.lower().split()
    first, last = words[0], words[-1]
    return (
        text[0].isdigit()
        or first in _PLAIN_ADVERBS | ITSELF | NO_KEY | SAYS_NO_THING
        or first in {"to", "if", "when", "whether"}
        or words[:2] in _A_BIT
        or words in _A_SOMETHING
        or first in {"and", "or"}
        or last in DETERMINED | _ORDINALS | {"a", "an", "to", "and", "or"}
        or bool(_POINTS_ELSEWHERE.search(text))
        or bool(CLAUSE_WORDS & set(words))
        or is_adjective(last)
    )


def _whole_part(rest: str) -> str:
    """What is said before a pause, or before "and" with another thing that is done or is so."""
    part = _PAUSE.split(rest)[0]
    before, mark, after = part.partition(" and ")
    if "both" in before.split():
        return part.strip()
    goes_on = (CLAUSE_WORDS | {"then"}) & set(after.lower().split())
    return (before if mark and goes_on else part).strip()


def _is_list(rest: str) -> bool:
    """Whether what follows the first pause lists more of the same: "the name, the address and"."""
    pause = _PAUSE.search(rest)
    if not pause or pause[0].strip() != ",":
        return False
    following = rest[pause.end() :].split()
    return not following or not (
        following[0].lower() in _GO_ON or following[0].lower().endswith(("ing", "ly", "ed"))
    )


def _is_of_words(rest: str) -> bool:
    """Whether what goes on behind a comma lists single words or pairs of them."""
    items = re.split(r",? (?:and|or) |, ", rest)[1:]
    return bool(_LISTED.match(rest)) and all(len(item.split()) <= _FEW for item in items)


def _of_subject(clause: Clause) -> Iterator[Question]:
    subject = clause.subject
    rest = _TAGS.sub("", _whole_part(clause.rest))
    if not rest or not _can_be_asked_for(subject) or (clause.is_copula and "not" in clause.adverb):
        return
    if rest.split()[-1].lower() in PREPOSITIONS | _ORDINALS or _POINTS_ELSEWHERE.search(rest):
        return
    if clause.is_copula and subject.endswith((" one", " ones")):
        return  # "the main one is"
    says_how = clause.is_copula or rest.split()[0] == "be"
    if says_how and (rest.split()[0] in _NOT_SO | _HEDGES or _says_little(rest)):
        return
    told = set(rest.split())
    if "I" in told or (
        _TELLS_WHEN & {clause.base, *told} and clause.rest.startswith(f"{rest} when ")
    ):
        return  # "gives me what I need": of what, only the text around it tells
    if _is_list(clause.rest) and may_be_adjective(rest.split()[-1]):
        return  # "write cleaner, terser, more expressive code"
    if _is_of_words(clause.rest) and (clause.is_copula or rest[-1].isdigit() or told & WITHIN):
        return  # "to cut, file and sand"
    yield Question(clause.asked_for_subject("what", rest), subject, "subject")
    if may_be_person(subject) or (clause.is_copula and may_be_person(rest)):
        yield Question(clause.asked_for_subject("who", rest), subject, "subject")


def _can_be_asked_for(subject: str) -> bool:
    """Whether a subject tells what it is by itself."""
    words = subject.lower().split()
    is_one_of_some = words[-1] in _SIDES | {"one"} and (
        len(words) <= 2 or bool(_SIDES & set(words[:-1]))
    )
    return (
        len(words) <= LONGEST_KEY
        and subject.lower() not in PERSONS | NO_KEY
        and words[0] not in POINTING
        and not is_one_of_some
        and not subject.endswith(":")
        and not _POINTS_ELSEWHERE.search(subject)
    )


def _says_little(rest: str) -> bool:
    """Whether too many things are so to ask which: "is 14", "is a good thing", "is important"."""
    words = [word for word in rest.lower().split() if word != "be"]
    if all(word in SAYS_NO_THING or is_adverb(word) or is_adjective(word) for word in words):
        return True
    is_praise = words[0] in {"a", "an", "the"} and bool(SAYS_NO_THING & set(words[1:2]))
    return (
        len(words) < 2
        or (is_praise and len(words) <= _LONGEST_PRAISE)
        or not rest[0].isalnum()  # a sign of code: it is rather what is asked for
        or any(
            answer.kind not in {"name", "place"} and answer.start == 0
            for answer in answers_in(rest)
        )
    )
