"""Fingerprints of texts, to find exact duplicates, near duplicates and repeated pieces."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

LONGEST_COMPARED = 1_000_000
"""Longer texts (in characters) are only checked for exact duplicates."""
FEWEST_WORDS = 12
"""Texts with fewer words are too short to be near duplicates."""

# Chinese and Japanese put no spaces between words, so each of their characters counts as one.
_SINGLE = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_SINGLE}]|[^\W{_SINGLE}]+")
_DIGITS = re.compile(r"\d+")
_SPACE = re.compile(r"\s+")
_HAS_WORDS = re.compile(r"[^\W_]")
# Different odd multipliers, so that the same words in another order give another shingle.
_FIRST, _SECOND, _THIRD = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0x165667B19E3779F9),
)


def same_text_key(text: str) -> bytes:
    """A digest, equal for texts that differ only in white space; b"" without letters or digits."""
    if not _HAS_WORDS.search(text):
        return b""
    normal = _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()
    return hashlib.blake2b(normal.encode("utf-8", "replace"), digest_size=16).digest()


@dataclass(frozen=True)
class Wording:
    """What near duplicates are compared by.

    `shingles` are the distinct hashes of all runs of three words, in ascending order; empty for
    texts too short or too long to compare. `numbers` are all numbers in the text: they tell apart
    records that share a form.
    """

    shingles: Hashes
    numbers: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Wording:
        """The wording of a text."""
        if len(text) > LONGEST_COMPARED:
            return _NO_WORDING
        words = _WORD.findall(text.casefold())
        if len(words) < FEWEST_WORDS:
            return _NO_WORDING
        codes = (zlib.crc32(word.encode("utf-8", "replace")) for word in words)
        hashes = np.fromiter(codes, np.uint64, len(words))
        runs = hashes[:-2] * _FIRST ^ hashes[1:-1] * _SECOND ^ hashes[2:] * _THIRD
        return cls(np.unique(runs), frozenset(_DIGITS.findall(text)))


_NO_WORDING = Wording(np.empty(0, np.uint64), frozenset())


def hash_of(text: str) -> int:
    """A 64-bit hash of a text, the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())
