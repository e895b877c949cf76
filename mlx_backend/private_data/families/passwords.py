"""Passwords that a sentence or a setting names, and passwords that follow a user name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mlx_backend.private_data.families import password_words as words
from mlx_backend.private_data.likeness import is_placeholder, looks_like_password, stands_out
from mlx_backend.private_data.private_span import PrivateSpan
from mlx_backend.private_data.rules import Check, Rule, Text

_NEARBY = 70
_MOST_CONNECTORS = 4
_WORD = re.compile(r"(?<!\S)\S{6,40}(?!\S)")
_REACH = 110  # characters of the line after the name that may hold the password
_NOT_A_NAME = re.compile(r"[a-zà-ÿ0-9_(\[<]|-[a-z]|\.[a-z]|/\w|s?\(")
_CONNECTOR = re.compile(
    rf"(?P<sign>[\"'`\])*_]{{0,3}}\s{{0,2}}(?:=>|:=|->|=|:|→|：|＝)\s{{0,2}})"
    rf"|(?P<verb>(?<![a-z]){words.IS}(?: {words.STILL})?(?![a-z])[ :]{{0,2}}"
    rf"|{words.CHANGED_TO} )",
)
_DIRECT = (
    re.compile(rf"(?:['’]s)? {{1,3}}(?:{words.STILL} )?(?:to |with |of )?"),
    re.compile(r"[ \t]\([^)\n]{1,30}\)[ \t]"),  # password (guests) ...
)
_VALUE = re.compile(
    r"[ \t*_(]{0,4}(?:(?P<quote>[\"'`“„«‘])(?P<quoted>[^\n\"'`“”«»‘’]{3,64})[\"'`“”»’]"
    r"|(?P<bare>[^\s\"'`“”„«»<>|\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7af]{4,64}))"
)
_PHRASE = re.compile(
    r"[ \t*_]{0,4}[\"'`“„]?(?P<words>[^\W\d_]{3,12}"
    r"(?:[ -][^\W\d_]{3,12}){2,7})[\"'`”“]?[.!]?(?:\n|$|[,;(])"
)
_FEW_WORDS = re.compile(r"[^\W\d_A-Z]{3,12}(?:[ -][^\W\d_A-Z]{3,12}){3,7}")
_LONG_NUMBER = re.compile(r"(?!(?:19|20)\d\d\Z)\d{4,12}")
_ONLY_WORD = re.compile(r"[^\W\d_]{5,24}")
_ENDING = re.compile(r"(?:ed|able|ible|ing|ly|ful|less|ous|ary|ive|ent|ant)\Z")
_SENTENCE_END = re.compile(r"[.!]?[ \t]*(?:\n|\Z)|[.,;] ")
_SENTENCE = re.compile(r"[.!?] ")
_AS_PASSWORD = re.compile(
    r"(?:^|[\s(])[\"'`“]?(?P<bare>[^\s\"'`“”]{5,64})[\"'`”]?\s(?:is|as|als|comme|como|come|som)"
    r"(?: (?:the|my|our|a|his|her|its|your|das|le|la))?(?: [a-z-]{2,12}){0,2} \Z"
)


@dataclass(frozen=True)
class _AfterItsName:
    """A word for a password, perhaps what it is for, then a sign or a verb, then the password.

    After a sign, or right after the word, the value must look like a password. After a verb, a
    quoted word is enough, or a single word that ends the sentence and is not an adjective.
    """

    kind: str
    names: re.Pattern[str]
    near: tuple[str, ...] = ()

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        for name in self.names.finditer(text.folded):
            if text.is_placeholder(name.end()):
                continue
            if self.near and not text.near(name.end(), name.end(), self.near):
                continue
            yield from self._after(text, name.end())
            yield from self._before(text, name.start())

    def _after(self, text: Text, place: int) -> Iterator[PrivateSpan]:
        if _NOT_A_NAME.match(text.folded, place):
            return
        line_end = text.folded.find("\n", place, place + _REACH)
        end = line_end if line_end >= 0 else min(len(text.folded), place + _REACH)
        for pattern in _DIRECT:
            direct = pattern.match(text.folded, place)
            if direct and (found := self._value(text, direct.end(), "direct")):
                yield found
                return
        connectors = _CONNECTOR.finditer(text.folded, place, end)
        for connector in islice(connectors, _MOST_CONNECTORS):
            if _SENTENCE.search(text.folded, place, connector.start()):
                return
            sort = "sign" if connector["sign"] else "verb"
            found = self._value(text, connector.end(), sort)
            if found:
                yield found
                return
        yield from _standing_out(self.kind, text, place, place + _NEARBY)

    def _before(self, text: Text, place: int) -> Iterator[PrivateSpan]:
        """A password before its name, as in "... as the password"."""
        start = max(0, place - _REACH)
        match = _AS_PASSWORD.search(text.plain[start:place])
        if match and looks_like_password(match["bare"]):
            yield PrivateSpan(self.kind, start + match.start("bare"), start + match.end("bare"))
            return
        start = max(0, place - _NEARBY)
        start = max(start, *(text.plain.rfind(mark, start, place) + 1 for mark in ("\n", ". ")))
        yield from _standing_out(self.kind, text, start, place)

    def _value(self, text: Text, place: int, sort: str) -> PrivateSpan | None:
        if sort != "direct" and (phrase := _PHRASE.match(text.plain, place)):
            parts = re.split(r"[ -]", phrase["words"])
            if len(parts) >= 3 and not words.NO_PHRASE & set(parts) and phrase["words"].islower():
                return PrivateSpan(self.kind, *phrase.span("words"))
        match = _VALUE.match(text.plain, place)
        if not match:
            return None
        if match["quoted"]:
            found = self._quoted(match["quoted"], sort)
            return PrivateSpan(self.kind, *match.span("quoted")) if found else None
        bare = match["bare"].rstrip(".,;:)]}*_…。，")
        start = match.start("bare")
        ends = bool(_SENTENCE_END.match(text.plain, start + len(bare)))
        return (
            PrivateSpan(self.kind, start, start + len(bare))
            if self._bare(bare, sort, ends)
            else None
        )

    def _quoted(self, value: str, sort: str) -> bool:
        if looks_like_password(value):
            return True
        if _FEW_WORDS.fullmatch(value):
            return not words.NO_PHRASE & set(value.split())
        return sort == "verb" and len(value) > 3 and not is_placeholder(value) and "_" not in value

    def _bare(self, value: str, sort: str, ends_sentence: bool) -> bool:
        if looks_like_password(value):
            return True
        if _LONG_NUMBER.fullmatch(value):
            return sort != "direct" and ends_sentence and not is_placeholder(value)
        return (
            sort == "verb"
            and not self.near
            and ends_sentence
            and value.islower()
            and bool(_ONLY_WORD.fullmatch(value))
            and value not in words.NO_PASSWORD
            and not _ENDING.search(value)
            and not is_placeholder(value)
        )


@dataclass(frozen=True)
class _AfterTheUser:
    """A user name or a service, then an unnamed password, as in "login: anna / ..."."""

    kind: str
    pattern: re.Pattern[str]
    check: Check = looks_like_password

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        for match in self.pattern.finditer(text.folded):
            start, end = match.span("secret")
            value = text.plain[start:end].rstrip(".,;")
            if self.check(value):
                yield PrivateSpan(self.kind, start, start + len(value))


@dataclass(frozen=True)
class _NearSignIn:
    """A conspicuous string in a sentence about signing in."""

    kind: str
    names: re.Pattern[str]

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        for name in self.names.finditer(text.folded):
            yield from _standing_out(self.kind, text, name.end(), name.end() + _NEARBY)


def _standing_out(kind: str, text: Text, start: int, end: int) -> Iterator[PrivateSpan]:
    """The first conspicuous string (`stands_out`) between two places of one sentence."""
    for word in _WORD.finditer(text.plain, start, end):
        between = text.plain[start : word.start()]
        if "\n" in between or _SENTENCE.search(between):
            return
        value = word[0].strip("\"'`“”„(){}[]<>*_.,;:")
        if stands_out(value):
            place = word.start() + word[0].index(value)
            yield PrivateSpan(kind, place, place + len(value))
            return


PASSWORDS: tuple[Rule, ...] = (
    _AfterItsName("password", re.compile(words.PASSWORD)),
    _AfterItsName("password", re.compile(words.NETWORK_KEY), near=words.NETWORK),
    _AfterTheUser(
        "password",
        re.compile(
            rf"{words.LOGIN}[^\n:=]{{0,40}}[:=][ \t]{{0,2}}[\w.@+-]{{2,60}}"
            rf"(?:[ \t]{{0,2}}[/,|][ \t]{{0,2}}"
            r"|[ \t]+)(?P<secret>[^\s/,|\"'`]{5,64})"
        ),
    ),
    _AfterTheUser(
        "password",
        re.compile(
            r"(?<=@)[a-z0-9-]{1,60}(?:\.[a-z0-9-]{2,40}){1,4}[ \t]{0,2}[/,|:–][ \t]{1,2}"
            r"(?P<secret>[^\s/,|\"'`<>]{5,64})(?=[ \t.]{0,3}(?:\n|\Z|\())"
        ),
    ),
    _AfterTheUser(
        "password",
        re.compile(rf"{words.USERS} ?[/:] ?(?P<secret>[^\s/,|\"'`<>]{{6,64}})"),
        stands_out,
    ),
    _AfterTheUser(
        "password",
        re.compile(
            r"(?<![a-z])(?:log|sign)(?:ged|ging)?[ -]?(?:in|on)[^\n]{0,30}? (?:with"
            r"|as) [\w.@+-]{2,60} (?:and|/|with)"
            r" (?P<secret>[^\s/,|\"'`<>]{6,64})"
        ),
        stands_out,
    ),
    _AfterTheUser(
        "password",
        re.compile(
            rf"{words.SERVICES}(?: ?[:=→]| [–-] ) {{0,2}}"
            rf"(?P<secret>[^\s/,|\"'`<>]{{6,64}})(?=[ \t.]{{0,3}}(?:\n|\Z|[,(]))"
        ),
        stands_out,
    ),
    _NearSignIn("password", re.compile(words.SIGN_IN)),
)
