"""Cutting what follows a clause's verb into phrases, and telling whether it is a list."""

from __future__ import annotations

import re

from mlx_backend.study.by_rule.function_words import CLAUSE_WORDS, DEFINITE
from mlx_backend.text.dictionary import PREPOSITIONS
from mlx_backend.text.words import word_set

LONGEST_KEY = 6
"""Words of an answer that is asked for as a whole."""

PAUSE = re.compile(r",\s|[;(]| (?:but|so|because|when) ")
LISTED = re.compile(r"^[^,;:()]+(?:(?:, [^,;:()]+)+,? (?:and|or) [^,;:()]+|(?:, [^,;:()]+){2,})$")
"""A list, as in "red, blue and green": no part of it is the answer."""

AND_ANOTHER = re.compile(rf" and (?=(?:{'|'.join(sorted(DEFINITE | {'a', 'an'}))}) )")
"""An "and" before another thing with its own determiner."""

_FEW = 2
_FIRST_PART_ENDS = re.compile(rf"{PAUSE.pattern}| and ")
_POINTS_ELSEWHERE = re.compile(r"\b(?:following|above|below|the same|these|those)\b", re.IGNORECASE)
# Words after a comma that do not continue a list.
_GO_ON = PREPOSITIONS | word_set(
    "which who whom whose where so and but then because when while if not though although even "
    "i we you he she they it this that there to as"
)


def first_part(text: str) -> str:
    """A text up to its first pause or "and"."""
    return _FIRST_PART_ENDS.split(text)[0]


def points_elsewhere(text: str) -> bool:
    """Whether a text refers to what stands elsewhere in the note, as "the following" does."""
    return bool(_POINTS_ELSEWHERE.search(text))


def whole_part(rest: str) -> str:
    """A clause's rest up to its first pause, or up to an "and" that begins another clause."""
    part = PAUSE.split(rest)[0]
    before, mark, after = part.partition(" and ")
    if "both" in before.split():
        return part.strip()
    goes_on = (CLAUSE_WORDS | {"then"}) & set(after.lower().split())
    return (before if mark and goes_on else part).strip()


def goes_on_as_list(rest: str) -> bool:
    """Whether a list goes on after the first pause, as in "the name, the address and the age"."""
    pause = PAUSE.search(rest)
    if not pause or pause[0].strip() != ",":
        return False
    following = rest[pause.end() :].split()
    return not following or not (
        following[0].lower() in _GO_ON or following[0].lower().endswith(("ing", "ly", "ed"))
    )


def lists_few_words(rest: str) -> bool:
    """Whether all items of a list but the first have at most two words."""
    items = re.split(r",? (?:and|or) |, ", rest)[1:]
    return bool(LISTED.match(rest)) and all(len(item.split()) <= _FEW for item in items)
