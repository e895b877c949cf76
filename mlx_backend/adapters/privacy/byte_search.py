"""Many thousand byte strings sought at once, in one pass over the data.

Eight bytes (of short strings four) from each place of the data are looked up in a table with NumPy,
and only where a string begins with them is that place compared. 100 MB take a few seconds, however
many strings there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONG = 8
"""Bytes. Shorter strings are sought in text alone, because random weights hold them by chance.

A string of n bytes, most of them letters of either case, stands at a place of random bytes with a
probability of about 128^-n. In 100 MB of weights, 100,000 forms of words of 8 bytes are found by
chance once in 7,000 exports, of 7 bytes once in 56, of 6 bytes in every second one.
"""
SHORT = 4
"""Bytes. Shorter strings are never sought: they are parts of ordinary words."""

_LARGEST_TABLE = 22  # bits: four million places fit into a processor's cache
_FACTOR = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: spreads what differs in few bits


class ByteSearch:
    """Finds strings of bytes, known by their index, in pieces of data."""

    def __init__(self, strings: Sequence[bytes]) -> None:
        self._long = _Table(LONG, strings)
        self._short = _Table(SHORT, strings, shorter_than=LONG)
        self.longest = max(map(len, strings), default=0)

    def found(self, data: bytes, with_short: bool) -> Iterator[tuple[int, int]]:
        """Each place in the data where a string begins, with the string's index; the short last."""
        yield from self._long.found(data)
        if with_short:
            yield from self._short.found(data)


class _Table:
    """Strings of at least `width` bytes by their first `width` bytes."""

    def __init__(self, width: int, strings: Sequence[bytes], shorter_than: int = 1 << 62) -> None:
        self._width = width
        self._strings: defaultdict[int, dict[int, dict[bytes, list[int]]]] = defaultdict(dict)
        for index, string in enumerate(strings):
            if width <= len(string) < shorter_than:
                key = int.from_bytes(string[:width], "little")
                of_length = self._strings[key].setdefault(len(string), {})
                of_length.setdefault(string, []).append(index)
        self._keys = np.array(sorted(self._strings), dtype=f"<u{width}")
        self._bits = min(_LARGEST_TABLE, len(self._keys).bit_length() + 8)
        self._table = np.zeros(1 << self._bits, dtype=np.bool_)
        self._table[self._hashed(self._keys)] = True

    def found(self, data: bytes) -> Iterator[tuple[int, int]]:
        count = len(data) - self._width + 1
        if count < 1 or not len(self._keys):
            return
        values: NDArray[Any] = np.ndarray(
            (count,), dtype=f"<u{self._width}", buffer=data, strides=(1,)
        )
        places = np.flatnonzero(self._table[self._hashed(values)])
        keys = values[places]
        nearest = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        is_key = self._keys[nearest] == keys
        for place, key in zip(places[is_key].tolist(), keys[is_key].tolist(), strict=True):
            for length, strings in self._strings[key].items():
                for index in strings.get(data[place : place + length], ()):
                    yield place, index

    def _hashed(self, values: NDArray[Any]) -> NDArray[np.uint64]:
        hashed: NDArray[np.uint64] = values.astype(np.uint64) * np.uint64(_FACTOR)
        hashed >>= np.uint64(64 - self._bits)
        return hashed
