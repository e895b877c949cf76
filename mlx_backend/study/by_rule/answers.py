"""The pieces of a sentence that a question can ask for: names, numbers, times, places ..."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlx_backend.text.answer_kinds import ANSWER_KINDS, AnswerForm
from mlx_backend.text.dictionary import (
    PREPOSITIONS,
    begins_with_gerund,
    could_be_noun,
    is_common_word,
    is_noun,
    verb_bases,
)
from mlx_backend.text.word_alternatives import DAYS, MONTHS
from mlx_backend.text.words import word_set


@dataclass(frozen=True)
class AnswerSpan:
    """A piece [start, end) of a text, in characters, that a question can ask for.

    key: the words of the piece that answer the question.
    kind: the name of an AnswerKind.
    question_words: what a question for it may begin with.
    """

    start: int
    end: int
    key: str
    kind: str
    question_words: tuple[str, ...]


_NAME_PREFIX = re.compile(r"^(?:Mc|Mac|[DLO]['’])(?=[A-ZÀ-Þ])")
_WITHIN_NAMES = word_set("and of de da di du la le van von der den ter al el bin the")
_NO_COUNTED = word_set("others ones")
_COUNTED_BEFORE = re.compile(r"\b(?:the|all|following|these|those|one of) $", re.IGNORECASE)
_PERSON = re.compile(r"(?:Dr|Mr|Mrs|Ms|Prof)\.? ")
_OF_CODE = re.compile(r"[a-z][A-Z]|\d|::|_|\w\.\w")
_AGENT = re.compile(r"\b(?:by|with|from|to|against|for) $")
_LONGEST_PLACE = 7
_PLACED = word_set("the a an our my his her their its")
# "at the moment", "on the third", "in the end" say when or how.
_NO_PLACE = re.compile(
    r"\b(?:first|second|third|fourth|fifth|last|next|ways?|formats?|occurrences?|like|order|"
    r"convenience|request|glance|risk|time|moment|end|beginning|day|week|month|year|morning|"
    r"evening|night|meantime|form|mood|fact|basis|regard|detail|manner|fashion|\w+th)$"
    r"|\b(?:week|case|same|own|hood|place|scenes|disposal|expense)\b| -|^the form\b"
)
_OF_TIME = re.compile(rf"\b(?:{MONTHS}|{DAYS})s?\b")


def answers_in(text: str) -> list[AnswerSpan]:
    """Everything in a piece of a sentence that a question could ask for, in order."""
    found: list[AnswerSpan] = []
    for kind in ANSWER_KINDS:
        for form in kind.forms:
            for match in form.pattern.finditer(text):
                answer = _answer(kind.name, form, match)
                if answer and not _is_known(answer, found):
                    found.append(answer)
    return sorted(found, key=lambda answer: (answer.start, answer.end))


def _answer(kind: str, form: AnswerForm, match: re.Match[str]) -> AnswerSpan | None:
    """What a form of a kind found; None where the words around it speak against it."""
    if kind == "name":
        return _name(match)
    if kind == "place":
        return _place(match)
    groups = match.groupdict()
    noun = groups.get("noun") or ""
    if kind == "numbered" and not _is_numbered(noun):
        return None
    if kind == "count" and not _is_counted(noun, match.string[: match.start()]):
        return None
    key = (groups.get("key") or match[0]).strip(" .,")
    words = tuple(word.format(noun) for word in form.question_words)
    return AnswerSpan(match.start(), match.end(), key, kind, words) if key else None


def _is_counted(noun: str, before: str) -> bool:
    """Whether the number of a noun can be asked for: not of "the 3 taps", which are all."""
    if noun in PREPOSITIONS or not could_be_noun(noun.split(maxsplit=1)[0]):
        return False
    is_plural = noun.endswith("s") and noun not in _NO_COUNTED
    return is_plural and not _COUNTED_BEFORE.search(before)


def _is_numbered(noun: str) -> bool:
    """Whether a noun is of things that have numbers: rooms, gates, sizes."""
    is_of_time = bool(_OF_TIME.fullmatch(noun.capitalize()))
    is_one_of_some = is_noun(noun) and not noun.endswith("s") and not noun.endswith("thing")
    return is_one_of_some and not is_of_time


def _name(match: re.Match[str]) -> AnswerSpan | None:
    text = match.string
    name = match[0].removesuffix("'s").removesuffix("’s")
    if match.start() == 0 and " " not in name and is_common_word(name.lower()):
        return None
    after = text[match.start() + len(name) :]
    if len(name) < 2 or _OF_TIME.fullmatch(name) or _goes_on(after, is_first=match.start() == 0):
        return None
    before = text[: match.start()]
    words: tuple[str, ...] = ("what",)
    if _PERSON.match(name):
        words = ("who",)
    elif _OF_CODE.search(name):
        pass
    elif before.endswith("from "):
        words = ("where",)
    elif (not before or _AGENT.search(before)) and may_be_person(name):
        words = ("who", "what")  # which of them, only the model can tell
    return AnswerSpan(match.start(), match.start() + len(name), name, "name", words)


def may_be_person(text: str) -> bool:
    """Whether a text is written like people's names: "Ida van der Berg", "Jo McRae and K. Ek"."""
    words = text.split()
    names = [_NAME_PREFIX.sub("", word) for word in words if word not in _WITHIN_NAMES]
    parts = [part for name in names for part in re.split(r"[-'’]", name.rstrip("."))]
    return not begins_with_gerund(words[0]) and all(
        part.istitle() and part.isalpha() for part in parts
    )


def _goes_on(text: str, is_first: bool) -> bool:
    """Whether a name goes on in `text`, which follows it: "React apps", "Zod's schema".

    After the first words of a text (`is_first`) a verb is likelier: "Prisma looks for".
    """
    if re.match(r"['’]s\b|\.\w|::|[`*_/]", text):
        return True
    following = re.match(r" ([a-z]+)\b", text)
    if following is None or not is_noun(following[1]):
        return False
    return not (is_first and verb_bases(following[1]))


def _place(match: re.Match[str]) -> AnswerSpan | None:
    key = match["key"]
    first = key.split()[0]
    if match[0].startswith("on ") and first[0].isupper():
        return None  # "on HEAD"
    if match[0].startswith("in ") and key.endswith(("'s", "’s")):
        return None  # of which only the beginning stands here
    if len(key.split()) > _LONGEST_PLACE or not (first.lower() in _PLACED or first[0].isupper()):
        return None
    if _OF_TIME.search(key) or _NO_PLACE.search(key):
        return None
    return AnswerSpan(match.start(), match.end(), key, "place", ("where",))


def _is_known(answer: AnswerSpan, found: list[AnswerSpan]) -> bool:
    """Whether an answer overlaps one found before; a place may, unless it is all within that."""
    is_same = _is_within if answer.kind == "place" else _overlaps
    return any(is_same(answer, other) for other in found)


def _overlaps(answer: AnswerSpan, other: AnswerSpan) -> bool:
    return answer.start < other.end and other.start < answer.end


def _is_within(place: AnswerSpan, other: AnswerSpan) -> bool:
    """Whether a place is within an answer of a kind other than a name, as "in March" is."""
    return other.start <= place.start and place.end <= other.end and other.kind != "name"
