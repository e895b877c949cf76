"""Decoding a JSON array that is too large to hold in memory, one value at a time."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from mlx_backend.importers.document import SkippedFile
from mlx_backend.importers.failures import TOO_DEEP

_LONGEST_VALUE = 16 << 20  # characters; decoding takes up to 20 bytes of memory for each
_CHUNK = 1 << 20
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_DECODER = json.JSONDecoder()


def values_of(file: BinaryIO) -> Iterator[object]:
    """The values of the array in a file; reads the file once, from its start.

    Raises SkippedFile when the file is not an array, is damaged, or has a value that is too long.
    """
    file.seek(0)
    text = _Text(io.TextIOWrapper(file, "utf-8-sig", "replace", newline=""))
    try:
        if not text.passes("["):
            raise SkippedFile("The file is not a JSON list")
        while not text.passes("]"):
            yield text.value()
    except RecursionError as error:
        raise SkippedFile(TOO_DEEP) from error
    except ValueError as error:  # also for numbers with too many digits
        raise SkippedFile("The file is damaged: its JSON cannot be read") from error


class _Text:
    """The part of a file that has been read but not decoded yet."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._held = ""
        self._at = 0

    def passes(self, sign: str) -> bool:
        """Skip spaces and commas; if `sign` follows, skip it too and return True."""
        while True:
            between = _BETWEEN.match(self._held, self._at)
            self._at = between.end() if between else self._at
            if self._at < len(self._held) or not self._read_on():
                break
        is_next = self._held.startswith(sign, self._at)
        self._at += is_next
        return is_next

    def value(self) -> object:
        """Decode the next value. Raises ValueError when it is damaged or incomplete."""
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._held, self._at)
                return value
            except json.JSONDecodeError:  # damaged, or not read to its end yet
                if not self._read_on():
                    raise

    def _read_on(self) -> bool:
        """Read more, doubling what is held; returns False at the end of the file."""
        self._held, self._at = self._held[self._at :], 0
        if len(self._held) > _LONGEST_VALUE:
            raise SkippedFile(f"A value in it is damaged or longer than {_LONGEST_VALUE >> 20} MB")
        wanted = min(max(_CHUNK, len(self._held)), _LONGEST_VALUE)
        more = self._file.read(wanted)
        self._held += more
        return bool(more)
