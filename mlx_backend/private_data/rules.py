"""The three sorts of rule: by a secret's own shape, by the name before it, by its check digits.

Every rule takes time in proportion to the text: patterns start at a word's beginning or have an
upper length, and nothing is searched for in a text that lacks the rule's hints.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from mlx_backend.private_data.private_span import PrivateSpan

Check = Callable[[str], bool]
"""Whether a candidate is what its shape suggests."""

_CONTEXT_BEFORE = 80
_CONTEXT_AFTER = 40


@dataclass(frozen=True)
class Text:
    """A text and its lower case; a place in one is the same place in the other."""

    plain: str
    folded: str

    @classmethod
    def of(cls, plain: str) -> Text:
        """Lower the case without moving a character: İ alone would become two."""
        return cls(plain, plain.replace("İ", "i").lower())

    def has(self, hints: Iterable[str]) -> bool:
        """Whether one of the hints stands in the lower case."""
        return any(hint in self.folded for hint in hints)

    def near(self, start: int, end: int, words: Iterable[str]) -> bool:
        """Whether one of the words stands shortly before or after a place."""
        before = self.folded[max(0, start - _CONTEXT_BEFORE) : start]
        after = self.folded[end : end + _CONTEXT_AFTER]
        return any(word in before or word in after for word in words)

    def is_placeholder(self, end: int) -> bool:
        """Whether the word that ends here is the name in a placeholder of `mask`."""
        return self.folded.startswith(" removed]", end)


class Rule(Protocol):
    """One thing to look for."""

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        """Every place where it stands."""
        ...


def anything(candidate: str) -> bool:
    """No more than the shape is asked for."""
    return True


@dataclass(frozen=True)
class Shape:
    """A secret with a form of its own: `pattern`, which begins and ends as a word does.

    A group named `secret` narrows what is private. The text must hold one of the `hints` (lower
    case; none: always looked for), and the candidate pass the `check`.
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
    """A secret that only the words before it tell: one of `names` (lower case), then `pattern`.

    The pattern is matched where the name ends, and its group `secret` is what is private.
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
    """A number with check digits; `context` (lower case) must be near where they are too weak."""

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
    """Every place of a word in a text."""
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + len(word))


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether [start, end) of a text begins and ends no further inside a word."""
    goes_on = _is_word(text[end - 1]) and _is_word(text[end : end + 1])
    return not goes_on and not (_is_word(text[start]) and _is_word(text[start - 1 : start]))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
