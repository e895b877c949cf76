"""Questions for the subject of a clause: who or what does or is something."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlx_backend.study.by_rule.answers import answers_in, may_be_person
from mlx_backend.study.by_rule.function_words import (
    CLAUSE_OPENERS,
    DEMONSTRATIVES,
    DESCRIBING,
    NO_ANSWERS,
    ORDINALS,
    RELATIVE_PLACES,
    UNNAMED_SUBJECTS,
)
from mlx_backend.study.by_rule.grammar import Clause
from mlx_backend.study.by_rule.phrases import (
    LONGEST_KEY,
    goes_on_as_list,
    lists_few_words,
    points_elsewhere,
    whole_part,
)
from mlx_backend.study.by_rule.question_text import Question
from mlx_backend.text.dictionary import PREPOSITIONS, is_adjective, is_adverb, may_be_adjective
from mlx_backend.text.words import word_set

_TELLS_WHEN = word_set("tell tells know knows see decide determine choose")
_NOT_SO = word_set("to by with more less that what why how because when if")  # "is that ..."
_HEDGES = word_set("probably perhaps maybe likely now then usually often")
_TAGS = re.compile(r",? (?:though|too|as well|either|anyway|instead|of course|however)$")
_LONGEST_PRAISE = 3


def questions_about_subject(clause: Clause) -> Iterator[Question]:
    """Questions that the subject answers: "who painted the mill?"."""
    subject = clause.subject
    rest = _TAGS.sub("", whole_part(clause.rest))
    if not rest or not _can_be_asked_for(subject) or (clause.is_copula and "not" in clause.adverb):
        return
    if rest.split()[-1].lower() in PREPOSITIONS | ORDINALS or points_elsewhere(rest):
        return
    if clause.is_copula and subject.endswith((" one", " ones")):
        return  # "the main one is"
    says_how = clause.is_copula or rest.split()[0] == "be"
    if says_how and (rest.split()[0] in _NOT_SO | _HEDGES or _says_little(rest)):
        return
    words = set(rest.split())
    goes_on_with_when = clause.rest.startswith(f"{rest} when ")
    if "I" in words or (_TELLS_WHEN & {clause.base, *words} and goes_on_with_when):
        return  # "gives me what I need": only the text around it says what that is
    if goes_on_as_list(clause.rest) and may_be_adjective(rest.split()[-1]):
        return  # "write cleaner, terser, more expressive code"
    if lists_few_words(clause.rest) and (
        clause.is_copula or rest[-1].isdigit() or words & CLAUSE_OPENERS
    ):
        return  # "to cut, file and sand"
    yield Question(clause.asked_for_subject("what", rest), subject, "subject")
    if may_be_person(subject) or (clause.is_copula and may_be_person(rest)):
        yield Question(clause.asked_for_subject("who", rest), subject, "subject")


def _can_be_asked_for(subject: str) -> bool:
    """Whether a subject names a thing that is known without the text around it."""
    words = subject.lower().split()
    is_one_of_some = words[-1] in RELATIVE_PLACES | {"one"} and (
        len(words) <= 2 or bool(RELATIVE_PLACES & set(words[:-1]))
    )
    return (
        len(words) <= LONGEST_KEY
        and subject.lower() not in UNNAMED_SUBJECTS | NO_ANSWERS
        and words[0] not in DEMONSTRATIVES
        and not is_one_of_some
        and not subject.endswith(":")
        and not points_elsewhere(subject)
    )


def _says_little(rest: str) -> bool:
    """Whether too little is said to ask of what: "is 14", "is a good thing", "is important"."""
    words = [word for word in rest.lower().split() if word != "be"]
    if all(word in DESCRIBING or is_adverb(word) or is_adjective(word) for word in words):
        return True
    is_praise = words[0] in {"a", "an", "the"} and bool(DESCRIBING & set(words[1:2]))
    return (
        len(words) < 2
        or (is_praise and len(words) <= _LONGEST_PRAISE)
        or not rest[0].isalnum()  # code: a question asks for it rather than by it
        or any(
            answer.kind not in {"name", "place"} and answer.start == 0
            for answer in answers_in(rest)
        )
    )
