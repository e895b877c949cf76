"""PINs, and codes of doors, safes and alarms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlx_backend.private_data.families import password_words as words
from mlx_backend.private_data.private_span import PrivateSpan
from mlx_backend.private_data.rules import Rule, Text

_NUMBER = r"(?P<secret>\d{3,12}|\d{2,4}(?:[ -]\d{2,4}){1,3})[#*]?(?!\w|[.,:/%-]\d|%)"
_AFTER = re.compile(
    r"(?:['’]s)?[\"'`*_)]{0,3},?(?:[ \t]+(?!\d)[^\s:=.]{1,20}){0,7}?"
    rf"(?:[ \t]{{0,2}}(?:=|:|：|->|→)|[ \t]+{words.IS}(?: {words.STILL}){{0,2}}|)"
    rf"[ \t]{{0,2}}[\"'`*_“#]{{0,3}}{_NUMBER}"
)


@dataclass(frozen=True)
class _NumberAfter:
    """A name such as "PIN", perhaps what it is for, then the number."""

    kind: str
    names: re.Pattern[str]
    shortest: int

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        for name in self.names.finditer(text.folded):
            match = _AFTER.match(text.folded, name.end())
            if match and len(match["secret"]) >= self.shortest:
                yield PrivateSpan(self.kind, *match.span("secret"))


@dataclass(frozen=True)
class _NumberByItsLock:
    """A number on one line with something that a code opens, and with a word such as "code"."""

    kind: str

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        for number in _LONE_NUMBER.finditer(text.folded):
            start, end = number.span("secret")
            before = text.folded[max(0, start - _NEARBY) : start].rpartition("\n")[2]
            after = text.folded[end : end + _NEARBY // 2].partition("\n")[0]
            around = f"{before}\n{after}"  # so that no word can span the number
            if (
                _PLACE_IS.search(before)
                or _is_after_code(before)
                or (_CODE_WORD.search(around) and _PLACE.search(around))
            ):
                yield PrivateSpan(self.kind, start, end)


def _is_after_code(before: str) -> bool:
    """`code 4711` or `type 4711`, unless the word before makes it, say, a postal code."""
    match = _CODE_IS.search(before)
    return match is not None and match["of"] not in words.OTHER_CODES


_NEARBY = 60
_LONE_NUMBER = re.compile(
    r"(?<![\w.,:/+$€£=-])(?!(?:19|20)\d\d(?!\d))(?P<secret>\d{4,8})[#*]?"
    r"(?![\w%€$£]|[.,:/-]\d| ?(?:euros?|eur|usd|dollars?|pounds?|km|kg|m|ms|mb|gb|px"
    r"|times|people)(?![a-z]))"
)
_PLACE = re.compile(words.PLACES)
_CODE_WORD = re.compile(words.CODE_WORDS)
_CODE_IS = re.compile(
    r"(?:(?P<of>\w+)[ -])?(?<![a-z_])(?:code|kod|kode|codice|código|combination|kombination|type)"
    r"(?: is| ist| est| es| er)?:? \Z"
)
_PLACE_IS = re.compile(
    rf"(?:{words.LOCKS}|(?<![a-z])entry)(?: (?:in|at|on|of|for|im|am|der|my|the)"
    rf"(?: [\w'’]{{1,12}}){{1,3}}?)?"
    r"(?:['’]s)?(?::| is| ist|(?<=lock)| (?:opens|unlocks|works) with) $"
)

DOOR_CODES: tuple[Rule, ...] = (
    _NumberAfter("PIN", re.compile(words.PIN), shortest=4),
    _NumberAfter("code", re.compile(words.CODE), shortest=3),
    _NumberByItsLock("code"),
)
