"""Random secrets of the same form as a given one, to see whether a model prefers the real one.

The form is the length, the class of each character (capital, small letter, digit, sign), words
where it has words, what all of its kind begin with ("AKIA"), and check digits where it has some: it
is what the rules that find secrets take for the same kind in the same place.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator
from random import Random

from mnemonic import Mnemonic

from mlx_backend.adapters.privacy.learned import Secret
from mlx_backend.private_data.families import ALL_RULES
from mlx_backend.private_data.rules import Numbered, Shape
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.text.dictionary import is_common_word
from mlx_backend.text.words import bare_words

LONGEST = 64
"""Characters: of a longer secret only so many are changed. A model that knows them knows it."""

LONGEST_BEGINNING = 20
"""Characters: what all secrets of a kind begin with is no longer."""

_TRIED, _ENOUGH_OF_TRIED = 40, 4
_ASKED, _ENOUGH_OF_ASKED = 6, 3  # of what takes milliseconds
_DRAWS_FOR_EACH = 40
_FEWEST_WORDS = 40
_CONTEXT = 200
_RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+")
_HEX = re.compile(r"(?=.*\d)(?=.*[a-fA-F])[0-9a-fA-F-]{8,}")
_HAS_LETTER = re.compile(r"[^\W\d_]")
_LEAST_WORD = 4
_PEM = re.compile(r"-----BEGIN[^\n]*\n")


class Words:
    """Words that take the place of those in passwords: of some texts, and 2,048 common ones."""

    def __init__(self, texts: Iterable[str]) -> None:
        found = {word.lower() for text in texts for word in bare_words(text)}
        found = {word for word in found if word.isascii() and word.isalpha()}
        self._all = found | set(Mnemonic("english").wordlist)  # of BIP 39
        self._by_length: dict[int, list[str]] = {}
        for word in sorted(self._all):
            self._by_length.setdefault(len(word), []).append(word)

    def like(self, word: str, chance: Random) -> str | None:
        """Another word of the same length and case; None for what is no word, or a rare length."""
        same, lower = self._by_length.get(len(word), []), word.lower()
        is_word = len(word) >= _LEAST_WORD and (lower in self._all or is_common_word(lower))
        if not is_word or len(same) < _FEWEST_WORDS:
            return None
        drawn = chance.choice(same)
        if word.isupper():
            return drawn.upper()
        return drawn.capitalize() if word[0].isupper() else drawn


def others_like(secret: Secret, count: int, chance: Random, words: Words) -> list[str]:
    """At most `count` different random values of the secret's form, without the secret itself.

    Fewer where there are no more, such as 999 for a code of three digits. `words` hold those of the
    person's notes, since a model that learned the notes finds all of their words likelier than
    random letters, whether it knows the password or not.
    """
    draw = _drawing(secret, words, chance)
    found: dict[str, None] = {}
    for _ in range(_DRAWS_FOR_EACH * count):
        if len(found) == count:
            break
        value = draw()
        if value is not None and value != secret.value:
            found[value] = None
    return list(found)


_Draw = Callable[[], str | None]
_Accepts = Callable[[str], bool]


def _drawing(secret: Secret, words: Words, chance: Random) -> _Draw:
    """A function that draws a value of the same form, or None where a draw came to nothing.

    As little as possible of the beginning is kept. Where nothing is recognised, as with a word that
    is secret for what stands elsewhere in its note, anything of the same characters is drawn.
    """
    value, has_form = secret.value, _own_form(secret)
    begin = len(match[0]) if (match := _PEM.match(value)) else 0
    for kept in range(begin, begin + min(LONGEST_BEGINNING, len(value) // 2 + 1)):
        draw = _after(value, kept, words, chance)
        if has_form is None:
            drawn = [each for each in (draw() for _ in range(_ASKED)) if each is not None]
            if sum(_is_found(secret, each) for each in drawn) >= _ENOUGH_OF_ASKED:
                return draw
            continue
        plain_draws = [draw] if _HAS_LETTER.search(value) else [draw, _digits_of(value, chance)]
        for plain in plain_draws:
            checked = _with_check_digits(plain, kept, has_form)
            if sum(checked() is not None for _ in range(_TRIED)) >= _ENOUGH_OF_TRIED:
                return checked
    return _after(value, begin, words, chance)


def _after(value: str, kept: int, words: Words, chance: Random) -> _Draw:
    return lambda: value[:kept] + _of_same_classes(value[kept:], words, chance)


def _with_check_digits(draw: _Draw, kept: int, accepts: _Accepts) -> _Draw:
    def checked() -> str | None:
        return next((each for each in _repaired(draw() or "", kept) if accepts(each)), None)

    return checked


def _own_form(secret: Secret) -> _Accepts | None:
    """Whether a value has the form of the secret's kind, where that has one of its own."""
    own = [
        rule
        for rule in ALL_RULES
        if isinstance(rule, Numbered | Shape)
        and rule.kind == secret.kind
        and rule.pattern.fullmatch(secret.value)
        and rule.check(secret.value)
    ]
    if not own:
        return None
    hints = [h for r in own if isinstance(r, Shape) for h in r.hints if h in secret.value.lower()]

    def accepts(value: str) -> bool:
        has_hint = not hints or any(hint in value.lower() for hint in hints)
        return has_hint and any(r.pattern.fullmatch(value) and r.check(value) for r in own)

    return accepts


def _is_found(secret: Secret, value: str) -> bool:
    """Whether a value in the secret's place would be found as the same kind of secret."""
    before = secret.before[-_CONTEXT:]
    start, end = len(before), len(before) + len(value)
    spans = find_secrets(f"{before}{value}{secret.after}")
    return any(s.kind == secret.kind and s.start <= start and s.end >= end for s in spans)


def _of_same_classes(value: str, words: Words, chance: Random) -> str:
    """A value with each letter, digit and word drawn anew; signs stay, and what is past LONGEST."""
    drawn, rest = value[:LONGEST], value[LONGEST:]
    if _HEX.fullmatch(drawn):
        return "".join(_hex_like(char, chance) for char in drawn) + rest
    pieces = _RUNS.findall(drawn)
    return "".join(_run_like(piece, words, chance) for piece in pieces) + rest


def _digits_of(value: str, chance: Random) -> _Draw:
    """The digits of a value in another order, and each digit replaced by another everywhere.

    Some numbers must have one digit twice and all others once, which hardly any drawn at random
    have. Signs stay.
    """

    def draw() -> str:
        renamed = dict(zip(string.digits, chance.sample(string.digits, 10), strict=True))
        digits = [renamed[char] for char in value if char in string.digits]
        chance.shuffle(digits)
        order = iter(digits)
        return "".join(next(order) if char in string.digits else char for char in value)

    return draw


def _run_like(run: str, words: Words, chance: Random) -> str:
    word = words.like(run, chance) if run.isalpha() else None
    return word or "".join(_character_like(char, chance) for char in run)


def _character_like(char: str, chance: Random) -> str:
    for alphabet in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if char in alphabet:
            return chance.choice(alphabet)
    return char


def _hex_like(char: str, chance: Random) -> str:
    if char.isdigit() or char.lower() in "abcdef":
        drawn = chance.choice("0123456789abcdef")
        return drawn.upper() if char.isupper() else drawn
    return char


def _repaired(value: str, kept: int) -> Iterator[str]:
    """A value, then it with each other last one or two characters, or check digits after a country.

    One of them has the right check digits where there are some.
    """
    yield value
    last = value[-1:]
    alphabet = string.digits if last.isdigit() else string.ascii_uppercase
    if last.isdigit() or last.isupper():
        yield from (value[:-1] + char for char in alphabet)
    if value[-2:].isdigit():
        yield from (f"{value[:-2]}{number:02}" for number in range(100))
    if kept <= 2 and value[:2].isalpha() and value[2:4].isdigit():
        yield from (f"{value[:2]}{number:02}{value[4:]}" for number in range(2, 99))
