"""Seed phrases of wallets: English words of BIP-39, in a valid number and with a valid checksum."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from mnemonic import Mnemonic

from mlx_backend.private_data.private_span import PrivateSpan
from mlx_backend.private_data.rules import Rule, Text

_LENGTHS = (24, 21, 18, 15, 12)
_WORD_BITS = 11
# Twelve words or more, separated by spaces, line ends, commas or the numbers of a list.
_RUN = re.compile(
    r"(?<![a-z])[a-z]{3,8}+(?![a-z])(?:[\s\d,;|\"'.:)-]{1,8}+[a-z]{3,8}+(?![a-z])){11,}+"
)
_WORD = re.compile(r"[a-z]+")
_CONTEXT = ("seed", "mnemonic", "recovery", "wallet", "bip39", "bip-39")


@cache
def _places() -> Mapping[str, int]:
    """The index of each word in the list of BIP-39."""
    return {word: place for place, word in enumerate(Mnemonic("english").wordlist)}


@dataclass(frozen=True)
class _SeedPhrase:
    kind: str

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        for run in _RUN.finditer(text.folded):
            known = _places()
            words: list[re.Match[str]] = []
            for word in _WORD.finditer(text.folded, *run.span()):
                if word[0] in known:
                    words.append(word)
                else:
                    yield from self._in_known_words(text, words)
                    words = []
            yield from self._in_known_words(text, words)

    def _in_known_words(self, text: Text, words: Sequence[re.Match[str]]) -> Iterator[PrivateSpan]:
        """The phrases in a run of words from the list: the windows with a valid checksum.

        If words nearby mention a seed, the checksum does not matter, because people mistype words.
        """
        first = 0
        while first + _LENGTHS[-1] <= len(words):
            size = self._phrase_at(words[first : first + _LENGTHS[0]])
            if not size and text.near(words[first].start(), words[-1].end(), _CONTEXT):
                size = len(words) - first
            if size:
                yield PrivateSpan(self.kind, words[first].start(), words[first + size - 1].end())
            first += size or 1

    def _phrase_at(self, words: Sequence[re.Match[str]]) -> int:
        for size in _LENGTHS:
            if size <= len(words) and checksum_holds([word[0] for word in words[:size]]):
                return size
        return 0


def checksum_holds(words: Sequence[str]) -> bool:
    """Whether the checksum of BIP-39 is valid: one bit in 33 comes from the SHA-256 of the others.

    The check of the package mnemonic searches the list for each word, which is too slow to do at
    every word of a long text.
    """
    number = 0
    for word in words:
        number = number << _WORD_BITS | _places()[word]
    check_bits = len(words) * _WORD_BITS // 33
    entropy = (number >> check_bits).to_bytes(check_bits * 4, "big")
    return hashlib.sha256(entropy).digest()[0] >> 8 - check_bits == number & (1 << check_bits) - 1


SEED_PHRASES: tuple[Rule, ...] = (_SeedPhrase("seed phrase"),)
