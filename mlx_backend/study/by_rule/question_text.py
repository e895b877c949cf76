"""Questions as text: how they are written, and whether they can be understood by themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlx_backend.text.dictionary import (
    AUXILIARIES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    is_adjective,
    is_common_word,
)
from mlx_backend.text.words import word_set

_FEWEST_TELLING = 2
_EMPTY = (
    AUXILIARIES
    | DETERMINERS
    | PRONOUNS
    | PREPOSITIONS
    | word_set("do does did be been you me us them here there something anything")
)
# References to the text around a sentence: "within that transaction", "against it".
_POINTS_AWAY = re.compile(
    rf"\bth(?:is|ese|ose)\b|\b(?:{'|'.join(PREPOSITIONS)}) that\b|\bdo that\b"
    r"|\bma(?:kes?|de) (?:it|them) \w+$|\bto them\b|\bhere\b|\bto (?:know|do|be)$"
)
_ENDS_POINTING = re.compile(r"\bthat \w+(?<!s)$| (?:it|them)$")
_BREAKS_OFF = word_set(
    "and or that which who is are was were be been called named like when where while if than as "
    "such because so then not also only even"
)


@dataclass(frozen=True)
class Question:
    """A question, its `key`: the words of the statement that answer it, and the kind of answer."""

    text: str
    key: str
    kind: str


def as_question(text: str) -> str:
    """Words with a capital at the beginning and a question mark at the end."""
    text = " ".join(text.split()).strip(" ,;:.")
    return f"{text[:1].upper()}{text[1:]}?"


def uncapitalised(text: str) -> str:
    """A phrase that began a sentence, without its capital, unless that is a name's."""
    first, _, rest = text.partition(" ")
    if not first[:1].isupper() or first in {"I", "I'm", "I've"}:
        return text
    lower = first.lower()
    if lower in DETERMINERS or lower in PRONOUNS:
        return f"{lower} {rest}".strip()
    follows_name = bool(rest) and rest[0].isupper()
    if follows_name or not first[1:].islower() or not is_common_word(lower):
        return text
    return f"{lower} {rest}".strip()


def stands_alone(question: str) -> bool:
    """Whether a question refers to nothing that only the text around its sentence names."""
    return not _POINTS_AWAY.search(question.rstrip("?").lower())


def is_whole(question: str) -> bool:
    """Whether a question is complete and has at least two content words."""
    words = question.rstrip("?").lower().split()
    telling = [word for word in words[1:] if word not in _EMPTY]
    if is_adjective(words[-1]) and words[-2] in DETERMINERS:
        return False
    ends_well = words[-1] not in DETERMINERS - {"all", "both", "one"} | _BREAKS_OFF
    is_own = stands_alone(question) and not _ENDS_POINTING.search(" ".join(words))
    return ends_well and is_own and words[-1][-1] != "-" and len(telling) >= _FEWEST_TELLING
