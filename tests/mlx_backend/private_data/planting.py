"""Made-up secrets in valid formats, generated at run time, and the texts they are planted in."""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from mlx_backend.private_data.word_list import word_list

LOWER = string.ascii_lowercase
UPPER = string.ascii_uppercase
DIGITS = string.digits
HEX = "0123456789abcdef"
ALPHANUMERIC = string.ascii_letters + DIGITS
URL_SAFE = ALPHANUMERIC + "-_"
BASE64 = ALPHANUMERIC + "+/"

_WORDS = word_list(
    "anchor biscuit candle donkey engine feather garden hammer island jumper kettle "
    "lantern marble needle orchard pebble quarry ribbon saddle teapot umbrella velvet "
    "walnut zebra"
)
_SIGNS = "!#$%&*+?@"


@dataclass(frozen=True)
class Planted:
    """A text with a secret; `value` must not remain after masking."""

    kind: str
    value: str
    text: str


def some(rng: Random, alphabet: str, length: int) -> str:
    """A random string over `alphabet`."""
    return "".join(rng.choice(alphabet) for _ in range(length))


def uuid(rng: Random) -> str:
    """A random UUID."""
    return "-".join(some(rng, HEX, n) for n in (8, 4, 4, 4, 12))


def password(rng: Random) -> str:
    """A password as people choose them: letters with digits, signs or both."""
    word = rng.choice(_WORDS)
    other = rng.choice(_WORDS)
    digits = some(rng, DIGITS, rng.randint(2, 4))
    return rng.choice(
        (
            word.title() + digits + rng.choice(_SIGNS),
            word + digits,
            word.title() + other.title() + digits,
            word + rng.choice(_SIGNS) + other,
            digits + word + rng.choice(_SIGNS),
            some(rng, ALPHANUMERIC, 10) + some(rng, DIGITS, 1),
            word.replace("a", "4").replace("e", "3") + rng.choice(_SIGNS) + digits,
        )
    )


def word(rng: Random) -> str:
    """One plain word, the weakest of passwords."""
    return rng.choice(_WORDS)


def phrase(rng: Random) -> str:
    """A passphrase of four words."""
    return " ".join(rng.sample(_WORDS, 4))


def pin(rng: Random) -> str:
    """A number of four to six digits that is not a year."""
    return rng.choice("3456789") + some(rng, DIGITS, rng.randint(3, 5))


def fill(sentences: Iterable[str], kind: str, rng: Random) -> list[Planted]:
    """Plant a value in each sentence; {pw}, {pin}, {word} or {phrase} names its kind."""
    planted = []
    makers = {"{pw}": password, "{pin}": pin, "{word}": word, "{phrase}": phrase}
    for sentence in sentences:
        mark = next(mark for mark in makers if mark in sentence)
        value = makers[mark](rng)
        planted.append(Planted(kind, value, sentence.replace(mark, value)))
    return planted
