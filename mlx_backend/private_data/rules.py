"""The kinds of rules: by a secret's own format, by the name before it, or by its check digits.

Every rule takes linear time: patterns start at the beginning of a word or have an upper length,
and a text without any of a rule's hints is not searched at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from mlx_backend.private_data.private_span import PrivateSpan

Check = Callable[[str], bool]
"""Whether a candidate really is what its format suggests."""

_CONTEXT_BEFORE = 80
_CONTEXT_AFTER = 40


@dataclass(frozen=True)
class Text:
    """A text and its lower-case version, with the same positions in both."""

    plain: str
    folded: str

    @classmethod
    def of(cls, plain: str) -> Text:
        """A text with its lower-case version; İ becomes one character, to keep positions."""
        return cls(plain, plain.replace("İ", "i").lower())

    def has(self, hints: Iterable[str]) -> bool:
        """Whether the text contains one of the hints (lower case)."""
        return any(hint in self.folded for hint in hints)

    def near(self, start: int, end: int, words: Iterable[str]) -> bool:
        """Whether one of the words (lower case) occurs shortly before or after [start, end)."""
        before = self.folded[max(0, start - _CONTEXT_BEFORE) : start]
        after = self.folded[end : end + _CONTEXT_AFTER]
        return any(word in before or word in after for word in words)

    def is_placeholder(self, end: int) -> bool:
        """Whether the word that ends at `end` is the kind in a placeholder of `masking.mask`."""
        return self.folded.startswith(" removed]", end)


class Rule(Protocol):
    """Finds one kind of private data."""

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        """The spans of the text that match."""
        ...


def anything(candidate: str) -> bool:
    """A check that always succeeds: the format alone is enough."""
    return True


@dataclass(frozen=True)
class Shape:
    """A secret with a format of its own: `pattern`, which matches whole words.

    If the pattern has a group `secret`, only that group is private. The text must contain one of
    the `hints` (lower case; without hints, every text is searched), and the candidate must pass
    `check`.
    """

    kind: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    check: Check = anything

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        if self.hints and not text.has(self.hints):
            return
        group = "secret" if "secret" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text.plain):
            start, end = match.span(group)
            if stands_alone(text.plain, *match.span()) and self.check(text.plain[start:end]):
                yield PrivateSpan(self.kind, start, end)


@dataclass(frozen=True)
class Named:
    """A secret recognised by a name before it: one of `names` (lower case), then `pattern`.

    The pattern is matched at the end of the name; its group `secret` is private.
    """

    kind: str
    names: tuple[str, ...]
    pattern: re.Pattern[str]
    check: Check = anything

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        for name in self.names:
            for place in places(text.folded, name):
                match = self.pattern.match(text.plain, place + len(name))
                if match and self.check(match["secret"]):
                    yield PrivateSpan(self.kind, *match.span("secret"))


@dataclass(frozen=True)
class Numbered:
    """A number with check digits; if these are weak, a word of `context` must be near."""

    kind: str
    pattern: re.Pattern[str]
    check: Check
    context: tuple[str, ...] = ()

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        if self.context and not text.has(self.context):
            return
        for match in self.pattern.finditer(text.plain):
            start, end = match.span()
            if self.context and not text.near(start, end, self.context):
                continue
            if self.check(match[0]):
                yield PrivateSpan(self.kind, start, end)


def places(text: str, word: str) -> Iterator[int]:
    """The positions of a word in a text."""
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + len(word))


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether the characters [start, end) of a text begin and end at word boundaries."""
    goes_on = _is_word(text[end - 1]) and _is_word(text[end : end + 1])
    return not goes_on and not (_is_word(text[start]) and _is_word(text[start - 1 : start]))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
