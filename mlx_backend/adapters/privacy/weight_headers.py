"""The texts in the header of a weights file, of which short words can be told from numbers."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_MOST_TEXTS = 2_000_000
_STRING, _ARRAY = 8, 9
# Bytes of a value by its type: github.com/ggml-org/ggml/blob/master/docs/gguf.md
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def header_text(head: bytes) -> bytes:
    """The header of a safetensors or GGUF file that begins with `head`; b"" for other files.

    Of safetensors the JSON as it stands; of GGUF the names and texts, one a line. Of a file that
    breaks off or lies about its lengths, what can be read.
    """
    if head[:4] == b"GGUF":
        return b"\n".join(_Reader(head).texts())
    length = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and 2 <= length <= len(head) - 8:
        return head[8 : 8 + length]
    return b""


class _Reader:
    """Reads the metadata of a GGUF file, version 2 or 3, little-endian."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._place = 4

    def texts(self) -> Iterator[bytes]:
        """Keys, values that are texts, and names of tensors, until the data ends."""
        try:
            _, tensors, pairs = self._take("<IQQ")
            for _ in range(min(pairs, _MOST_TEXTS)):
                yield self._string()
                (kind,) = self._take("<I")
                yield from self._value(kind, 0)
            for _ in range(min(tensors, _MOST_TEXTS)):
                yield self._string()
                (dimensions,) = self._take("<I")
                self._skip(8 * dimensions + 12)
        except (struct.error, KeyError, ValueError):
            return

    def _value(self, kind: int, depth: int) -> Iterator[bytes]:
        if kind == _STRING:
            yield self._string()
        elif kind != _ARRAY:
            self._skip(_SIZES[kind])
        else:
            inner, count = self._take("<IQ")
            if inner in _SIZES:
                self._skip(_SIZES[inner] * count)
                return
            if depth > 3:
                raise ValueError("arrays in arrays")
            for _ in range(min(count, _MOST_TEXTS)):
                yield from self._value(inner, depth + 1)

    def _string(self) -> bytes:
        (length,) = self._take("<Q")
        start = self._place
        self._skip(length)
        return self._head[start : self._place]

    def _take(self, form: str) -> tuple[int, ...]:
        values: tuple[int, ...] = struct.unpack_from(form, self._head, self._place)
        self._place += struct.calcsize(form)
        return values

    def _skip(self, count: int) -> None:
        if self._place + count > len(self._head):
            raise ValueError("the data ends")
        self._place += count
