"""The values of a JSON array that is too large to be held, one after the other."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from mlx_backend.importers.document import SkippedFile
from mlx_backend.importers.failures import TOO_DEEP

_LONGEST_VALUE = 16 << 20  # characters; decoding takes up to twenty times as many bytes
_CHUNK = 1 << 20
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_DECODER = json.JSONDecoder()


def values_of(file: BinaryIO) -> Iterator[object]:
    """Each value of the array that a file is, which is read once, from its beginning.

    Raises SkippedFile for what is no array, and where it is damaged or a value too long.
    """
    file.seek(0)
    text = _Text(io.TextIOWrapper(file, "utf-8-sig", "replace", newline=""))
    try:
        if not text.passes("["):
            raise SkippedFile("The file is no list of JSON")
        while not text.passes("]"):
            yield text.value()
    except RecursionError as error:
        raise SkippedFile(TOO_DEEP) from error
    except ValueError as error:  # also of numbers without end
        raise SkippedFile("The file is damaged: its JSON cannot be read") from error


class _Text:
    """A window that moves over a text: what was read and is not decoded yet."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._held = ""
        self._at = 0

    def passes(self, sign: str) -> bool:
        """Go on to what is neither space nor comma, and beyond it where it is this sign."""
        while True:
            between = _BETWEEN.match(self._held, self._at)
            self._at = between.end() if between else self._at
            if self._at < len(self._held) or not self._read_on():
                break
        is_next = self._held.startswith(sign, self._at)
        self._at += is_next
        return is_next

    def value(self) -> object:
        """The value that begins here. Raises ValueError where it is damaged or has no end."""
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._held, self._at)
                return value
            except json.JSONDecodeError:  # damaged, or its end is not read yet
                if not self._read_on():
                    raise

    def _read_on(self) -> bool:
        """Hold more of the text, twice as much each time; False at its end."""
        self._held, self._at = self._held[self._at :], 0
        if len(self._held) > _LONGEST_VALUE:
            raise SkippedFile(f"A value in it is damaged or longer than {_LONGEST_VALUE >> 20} MB")
        wanted = min(max(_CHUNK, len(self._held)), _LONGEST_VALUE)
        more = self._file.read(wanted)
        self._held += more
        return bool(more)
