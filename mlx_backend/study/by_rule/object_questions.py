"""Questions for what a clause says that its subject is, or what its verb acts on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlx_backend.study.by_rule.answers import may_be_person
from mlx_backend.study.by_rule.function_words import (
    CLAUSE_WORDS,
    DEFINITE,
    DEMONSTRATIVES,
    DESCRIBING,
    IT_OR_THEY,
    NO_ANSWERS,
    ORDINALS,
    RELATIVE_PLACES,
    UNNAMED_SUBJECTS,
)
from mlx_backend.study.by_rule.grammar import Clause
from mlx_backend.study.by_rule.phrases import (
    AND_ANOTHER,
    LISTED,
    LONGEST_KEY,
    goes_on_as_list,
    points_elsewhere,
    whole_part,
)
from mlx_backend.study.by_rule.question_text import Question
from mlx_backend.text.dictionary import (
    PREPOSITIONS,
    begins_with_gerund,
    is_adjective,
    is_adverb,
    is_participle,
    may_be_adjective,
)
from mlx_backend.text.words import word_set

_LEAVES_SO = word_set("make want")  # verbs with an object and what becomes of it
_LINKING = word_set("get become seem look feel stay remain turn")  # an adjective follows them
_PLAIN_ADVERBS = word_set(
    "best well badly worst better right out up off down back away home again here there not only"
)
_SOME = word_set("most some many few several")
_A_SOMETHING = (["a", "time"], ["a", "way"], ["a", "thing"], ["a", "place"], ["no", "way"])
_A_BIT = (["a", "lot"], ["a", "bit"], ["a", "little"])
_LONGEST_JOINED = 10
_LONGEST_LIST = 12


def questions_about_object(clause: Clause) -> Iterator[Question]:
    """Questions that the complement of "is" answers, or the object of another verb."""
    if "not" in clause.adverb or clause.base in _LINKING:
        return
    first = whole_part(clause.rest)
    words = first.split()
    if not words or words[0].lower() in PREPOSITIONS:
        return
    if len(words) > LONGEST_KEY and (clause.is_copula or not clause.base):
        return
    if clause.is_copula and _says_what_it_is(clause.subject, first):
        if listed := LISTED.match(clause.rest):
            if len(listed[0].split()) <= _LONGEST_LIST:
                yield Question(clause.asked("what", ""), listed[0], "complement")
            return
        yield Question(clause.asked("what", ""), first, "complement")
        if may_be_person(first):
            yield Question(clause.asked("who", ""), first, "complement")
    elif clause.base and not is_adverb(words[0].lower()) and not goes_on_as_list(clause.rest):
        if clause.subject.split()[0].lower() == "one":
            return  # "one in particular": only the text before says of what
        ends = PREPOSITIONS - {"of"}
        cut = next((i for i, word in enumerate(words) if word.lower() in ends), len(words))
        thing = " ".join(words[:cut])
        is_long = len(words) > (_LONGEST_JOINED if AND_ANOTHER.search(thing) else LONGEST_KEY)
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
    """Whether `text`, which follows "is", names what the subject is; else it says how it is."""
    words = text.lower().split()
    subjects = subject.lower().split()
    is_how = (
        is_adverb(words[0])
        or is_participle(words)  # "is kept", "was rebuilt"
        or begins_with_gerund(text.lower())
        or DESCRIBING & set(words[:2])
        or words[:2] in _A_BIT
        or {"enough", "then"} & set(words)
        or words[:2] == ["one", "of"]
        or (len(words) == 1 and is_adjective(words[0]))
        or words[-1] in PREPOSITIONS | {"and", "or"}
        or text.endswith(":")
        or points_elsewhere(text)
        or (words[0] in {"a", "an"} and len(words) == 2 and may_be_adjective(words[1]))
        or (may_be_adjective(words[0]) and words[1:2] and words[1] in PREPOSITIONS - {"of"})
    )
    is_known = (
        subjects[0] not in DEMONSTRATIVES | _SOME
        and subject.lower() not in UNNAMED_SUBJECTS
        and subjects[-1] not in RELATIVE_PLACES | {"ones"}
        and not begins_with_gerund(subject.lower())
    )
    return is_known and not is_how


def _is_done_to(base: str, words: Sequence[str]) -> bool:
    """Whether the object is followed by what was done to it, as in "has undo built in"."""
    return base == "have" and any(is_participle([word]) for word in words)


def _is_no_thing(text: str) -> bool:
    """Whether a piece of a sentence is not the verb's object, or not the whole of it."""
    words = text.lower().split()
    first, last = words[0], words[-1]
    return (
        text[0].isdigit()
        or first in _PLAIN_ADVERBS | IT_OR_THEY | NO_ANSWERS | DESCRIBING
        or first in {"to", "if", "when", "whether"}
        or words[:2] in _A_BIT
        or words in _A_SOMETHING
        or first in {"and", "or"}
        or last in DEFINITE | ORDINALS | {"a", "an", "to", "and", "or"}
        or points_elsewhere(text)
        or bool(CLAUSE_WORDS & set(words))
        or is_adjective(last)
    )
