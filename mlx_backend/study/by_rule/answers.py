"""What a piece of a sentence can be asked for: names, numbers, times, places, and the like."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlx_backend.text.dictionary import (
    PREPOSITIONS,
    begins_with_doing,
    could_be_noun,
    is_common_word,
    is_noun,
    verb_bases,
)
from mlx_backend.text.vocabulary import CURRENCIES, DAYS, MONTHS, NUMBERS
from mlx_backend.text.words import word_set

_NUMBER = rf"(?:\d[\d,.]*\d|\d|\b(?:{NUMBERS})\b)"
_LENGTHS_OF_TIME = r"(?:second|minute|hour|day|night|week|month|year)s?"


@dataclass(frozen=True)
class Kind:
    """How a kind of answer is asked for: what the question begins with."""

    name: str
    pattern: re.Pattern[str]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """A piece [start, end) of a text and the question words for it; `key` is its telling part.

    In place of "{}" in a question word stands the noun that is counted.
    """

    start: int
    end: int
    key: str
    kind: str
    question_words: tuple[str, ...]


def _kind(name: str, pattern: str, *words: str) -> Kind:
    return Kind(name, re.compile(pattern), words)


# In the order in which they are looked for; what one has found is no other's.
_KINDS = (
    _kind("frequency", rf"\bevery (?:{_NUMBER} )?{_LENGTHS_OF_TIME}\b", "how often"),
    _kind("frequency", rf"\bevery (?:{DAYS})\b", "how often", "when"),
    _kind("time", rf"\b(?:on )?(?P<key>(?:{DAYS})s?,? (?:at )?\d{{1,2}}[:.]\d{{2}})\b", "when"),
    _kind(
        "time",
        r"(?<![$£€~.,/-])\b(?:at )?(?P<key>\d{1,2}[:.]\d{2})(?: ?[ap]m)?\b(?! ?[a-z%€]|\.\d)",
        "when",
        "at what time",
    ),
    _kind(
        "date",
        rf"\b(?:on )?(?:the )?(?P<key>\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{MONTHS})(?: \d{{4}})?"
        rf"|(?:{MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|\d{{4}}-\d{{2}}-\d{{2}})\b",
        "when",
        "on what date",
    ),
    _kind("day", rf"\bon (?:the )?(?P<key>(?:\w+ )?(?:{DAYS})s?)\b", "on which day", "when"),
    _kind("span of time", rf"\bfrom (?P<key>(?:{MONTHS}|{DAYS}) to (?:{MONTHS}|{DAYS}))\b", "when"),
    _kind(
        "month",
        rf"\b(?:in |in early |in late )(?P<key>(?:{MONTHS})(?: \d{{4}})?|(?:19|20)\d\d)"
        r"\b",
        "when",
    ),
    _kind("money", rf"(?:[€$£] ?{_NUMBER}|{_NUMBER} ?(?:[€$£]|(?:{CURRENCIES})\b))", "how much"),
    _kind("length of time", rf"{_NUMBER}[ -]{_LENGTHS_OF_TIME}\b", "how long"),
    _kind("temperature", rf"\bat (?P<key>{_NUMBER}) ?(?:degrees|°C?|°F)", "at what temperature"),
    _kind(
        "temperature",
        rf"(?P<key>{_NUMBER}) ?(?:degrees|°C?|°F)",
        "how many degrees",
        "what temperature",
    ),
    _kind("share", rf"(?P<key>{_NUMBER}) ?(?:percent|%)", "what percentage"),
    _kind("number", rf"\b(?:number|no\.|nr\.?) (?P<key>{_NUMBER})", "which number"),
    _kind(
        "count",
        r"(?<!other )(?<!first )(?<!last )(?<!these )(?<!those )(?<![\w.,/^~-])"
        rf"(?P<key>{_NUMBER})(?: |-)(?P<noun>[a-z]+(?: metres)?)\b",
        "how many {}",
    ),
    _kind(
        "numbered",
        r"\b(?P<noun>[a-z]{3,}) (?P<key>[A-Z]?\d+[A-Za-z]?|[A-Z]\d*)(?![\w.,:/%-]*\w)",
        "which {}",
    ),
    _kind("quoted", r"[\"“”](?P<key>[^\"“”]{2,60})[\"“”]", "what"),
)
_NAME = re.compile(
    r"\b(?:(?:Dr|Mr|Mrs|Ms|Prof|St)\.? )?[A-ZÀ-Þ][\w'’-]*"
    r"(?: (?:of|de|van|von|der|the|and) (?=[A-ZÀ-Þ])| [A-ZÀ-Þ0-9][\w'’-]*)*"
    r"|\b[a-z]*[A-Z0-9]+[A-Z][\w-]*"
)
_PLACE = re.compile(
    r"\b(?:in|at|on|behind|under|near|beside|inside|above|below|between|next to|"
    r"over(?= the\b| [A-ZÀ-Þ])) (?P<key>(?:the |a |an |our |my |his |her |their )?[^,;:()]+?)"
    r"(?= (?:and|but|with|for|to|when|until|by|because|so|that|which|who|where|using|I|we|you)\b"
    r"|[,;:()]|\.(?:\s|$)|$)"
)
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


def answers_in(text: str) -> list[Answer]:
    """Everything in a piece of a sentence that a question could ask for, in order."""
    found: list[Answer] = []
    for kind in _KINDS:
        for match in kind.pattern.finditer(text):
            answer = _of_kind(kind, match)
            if answer and not _overlaps(answer, found):
                found.append(answer)
    for match in _NAME.finditer(text):
        answer = _name(text, match)
        if answer and not _overlaps(answer, found):
            found.append(answer)
    for match in _PLACE.finditer(text):
        answer = _place(match)
        if answer and not any(_same(answer, other) for other in found):
            found.append(answer)
    return sorted(found, key=lambda answer: (answer.start, answer.end))


def _of_kind(kind: Kind, match: re.Match[str]) -> Answer | None:
    groups = match.groupdict()
    before = match.string[: match.start()]
    noun = groups.get("noun") or ""
    if kind.name == "numbered" and not _is_numbered(noun):
        return None
    if kind.name == "count":
        if noun in PREPOSITIONS or not could_be_noun(noun.split()[0]):
            return None
        if not noun.endswith("s") or noun in _NO_COUNTED or _COUNTED_BEFORE.search(before):
            return None
    key = groups.get("key") or match[0]
    words = tuple(word.format(noun) for word in kind.words)
    return Answer(match.start(), match.end(), key.strip(" .,"), kind.name, words)


def _is_numbered(noun: str) -> bool:
    """Whether there may be several that are told apart by their numbers: rooms, gates, sizes."""
    is_of_time = bool(_OF_TIME.fullmatch(noun.capitalize()))
    is_one_of_some = is_noun(noun) and not noun.endswith("s") and not noun.endswith("thing")
    return is_one_of_some and not is_of_time


def _name(text: str, match: re.Match[str]) -> Answer | None:
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
    return Answer(match.start(), match.start() + len(name), name, "name", words)


def may_be_person(text: str) -> bool:
    """Whether a text is written as people's names are: "Ida van der Berg", "Jo McRae and K. Ek"."""
    words = text.split()
    names = [_NAME_PREFIX.sub("", word) for word in words if word not in _WITHIN_NAMES]
    parts = [part for name in names for part in re.split(r"[-'’]", name.rstrip("."))]
    return not begins_with_doing(words[0]) and all(
        part.istitle() and part.isalpha() for part in parts
    )


def _goes_on(text: str, is_first: bool) -> bool:
    """Whether a name is only the beginning of one: "React apps", "Zod's schema", "React 16.3".

    Behind the first words of a text comes rather a verb: "Prisma looks for".
    """
    if re.match(r"['’]s\b|\.\w|::|[`*_/]", text):
        return True
    following = re.match(r" ([a-z]+)\b", text)
    if following is None or not is_noun(following[1]):
        return False
    return not (is_first and verb_bases(following[1]))


def _place(match: re.Match[str]) -> Answer | None:
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
    return Answer(match.start(), match.end(), key, "place", ("where",))


def _overlaps(answer: Answer, others: list[Answer]) -> bool:
    return any(answer.start < other.end and other.start < answer.end for other in others)


def _same(answer: Answer, other: Answer) -> bool:
    """Whether a place is only what was found already, as "in March" is."""
    return other.start <= answer.start and answer.end <= other.end and other.kind != "name"
