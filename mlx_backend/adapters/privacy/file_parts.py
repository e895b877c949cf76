"""A file taken apart for the scan: its bytes, the header of weights, and what is in a zip."""

from __future__ import annotations

import contextlib
import io
import itertools
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from mlx_backend.adapters.privacy.weight_headers import header_text

PIECE = 4 << 20
"""Bytes that are read at once."""

_DEEPEST = 4  # zips in zips
_MOST_ENTRIES = 10_000
# Text is packed to a tenth, weights hardly; whatever grows more was made to fill a disk.
_MOST_GROWTH, _ALWAYS_READ = 30, 256 << 20
_LARGEST_INNER_ZIP = 256 << 20
_ZIP = b"PK\x03\x04"
_LONGEST_HEADER = 32 << 20
_SAMPLE = 1 << 16
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
)
"""What Python raises for a zip that is damaged, encrypted or of a kind that it cannot read."""


class NotReadError(Exception):
    """A part of a file could not be read to its end; the message says why, for the person."""


@dataclass(frozen=True)
class Part:
    """A part of a file. is_text: short words count in it, because it is no sequence of numbers.

    name: the file's, followed by the names in zips. pieces: its bytes, which can be read once, and
    before the next part; they raise `NotReadError`. header: a header, which its file holds too.
    """

    name: str
    is_text: bool
    pieces: Iterator[bytes]
    header: bool = False


@dataclass
class _Budget:
    """How many bytes may still be unpacked from one file."""

    left: int

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise NotReadError("it unpacks to far more than its size")


def parts_of(path: Path) -> Iterator[Part]:
    """All parts of a file, and, where it is a zip, of the files in it.

    Raises `NotReadError` where the file, or a part of it, cannot be read.
    """
    if not path.is_file():  # a pipe would never end
        raise NotReadError("it cannot be read")
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            budget = _Budget(max(_ALWAYS_READ, _MOST_GROWTH * size))
            yield from _parts(path.name, _read(file, None))
            if zipfile.is_zipfile(file):
                yield from _in_zip(path.name, file, budget, 1)
    except _DAMAGED as error:
        raise NotReadError("it cannot be read") from error


def _parts(name: str, pieces: Iterator[bytes]) -> Iterator[Part]:
    """The bytes of a file as they are, and the texts of a header at its beginning."""
    head = next(pieces, b"")
    while len(head) < _LONGEST_HEADER and _may_have_header(head):
        more = next(pieces, b"")
        if not more:
            break
        head += more
    if text := header_text(head):
        yield Part(name, True, iter((text,)), header=True)
    begin = (head[at : at + PIECE] for at in range(0, len(head), PIECE))
    yield Part(name, _is_text(head[:_SAMPLE]), itertools.chain(begin, pieces))


def _may_have_header(head: bytes) -> bool:
    """Whether it begins as a GGUF file, or as safetensors whose header goes on after `head`."""
    if head[:4] == b"GGUF":
        return True
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and len(head) - 8 < length < _LONGEST_HEADER


def _read(file: BinaryIO | IO[bytes], budget: _Budget | None) -> Iterator[bytes]:
    """A file in pieces."""
    try:
        while data := file.read(PIECE):
            if budget is not None:
                budget.take(len(data))
            yield data
    except _DAMAGED as error:
        raise NotReadError("it is damaged") from error


def _in_zip(name: str, file: BinaryIO, budget: _Budget, depth: int) -> Iterator[Part]:
    """The parts of the files in a zip, and their names."""
    if depth > _DEEPEST:
        raise NotReadError(f"it has zips in zips, more than {_DEEPEST} deep")
    with contextlib.closing(zipfile.ZipFile(file)) as box:
        entries = box.infolist()
        if len(entries) > _MOST_ENTRIES:
            raise NotReadError(f"it holds more than {_MOST_ENTRIES:,} files")
        names = "\n".join(entry.filename for entry in entries)
        told = names.encode(errors="surrogatepass") + b"\n" + box.comment
        yield Part(f"{name} (names in it)", True, iter((told,)), header=True)
        for entry in entries:
            yield from _entry(name, box, entry, budget, depth)


def _entry(
    name: str, box: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: _Budget, depth: int
) -> Iterator[Part]:
    inner = f"{name} › {entry.filename}"
    with box.open(entry) as file:
        pieces = _read(file, budget)
        data = next(pieces, b"")
        if not data.startswith(_ZIP):
            yield from _parts(inner, itertools.chain((data,), pieces))
            return
        for piece in pieces:
            data += piece
            if len(data) > _LARGEST_INNER_ZIP:
                raise NotReadError("a zip in it is too large to be looked into")
    yield from _parts(inner, iter((data,)))
    yield from _in_zip(inner, io.BytesIO(data), budget, depth + 1)


def _is_text(sample: bytes) -> bool:
    """Whether bytes are text: hardly any control characters, or UTF-16."""
    if not sample or sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    zeros = sample.count(0)
    if zeros:
        half = len(sample) // 2
        of_one_half = max(sample[::2].count(0), sample[1::2].count(0))
        return of_one_half > 0.6 * half and of_one_half > 0.95 * zeros
    controls = sum(sample.count(code) for code in range(32) if code not in b"\t\n\f\r\x1b")
    return controls < 0.01 * len(sample)
