"""The process in which all parsers run: no network, no writing, no file but the one it is given.

The parent process opens the files; this one reads them through descriptors sent over its socket.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator

import msgspec

from mlx_backend.importers import limits, sandbox_messages
from mlx_backend.importers.document import (
    THE_REST,
    Document,
    EnteredPart,
    Item,
    LargeSourceFile,
    SkippedFile,
    SkippedPart,
    SourceFile,
)
from mlx_backend.importers.failures import reason_for
from mlx_backend.importers.limits import too_large
from mlx_backend.importers.readers.binary_files import refuse_binary
from mlx_backend.machine.lockdown import lock_down
from mlx_backend.text.words import printable

_CHUNK = 1 << 20
_CHUNKS_BETWEEN_SIGNS = 64
_HEAD = 4096
_LONGEST_TITLE = 200
_TOO_MUCH_TEXT = f"It holds more than {limits.LARGEST_TEXT >> 20} MB of text"
_TOO_LONG = f"Reading it took longer than {limits.SECONDS_PER_FILE / 60:.0f} minutes"
_TOO_LARGE = f"The file holds more than {limits.MOST_TEXT >> 20} MB of text"


def main(descriptor: int) -> None:
    """Answer the requests that arrive over the socket `descriptor`, until the parent is gone."""
    limits.restrict_process()
    lock_down()
    connection = socket.socket(fileno=descriptor)
    sandbox_messages.send(connection, sandbox_messages.Entered(""))  # a sign of life
    while True:
        try:
            request, file = sandbox_messages.receive_request(connection)
        except (sandbox_messages.Closed, OSError):
            return
        try:
            done = _answer(connection, request, file)
        finally:
            os.close(file)
        sandbox_messages.send(connection, done)


def _answer(
    connection: socket.socket, request: sandbox_messages.ReadRequest, file: int
) -> sandbox_messages.FileDone:
    began = time.monotonic()
    limits.allow_processor_time()
    sha256 = ""
    try:
        is_large = _size(file) > limits.LARGEST_FILE
        source = _large(request, file) if is_large else _small(request, file)
        sha256 = _hash(connection, source)
        if sha256 == request.known_sha256:
            return sandbox_messages.FileDone(sha256=sha256, same=True)
        for item in _within_limits(_items(source), began):
            sandbox_messages.send(connection, _message(item))
    except SkippedFile as skipped:
        return sandbox_messages.FileDone(sha256=sha256, reason=str(skipped))
    return sandbox_messages.FileDone(sha256=sha256)


def _items(source: SourceFile | LargeSourceFile) -> Iterator[Item]:
    """The items that the file's reader gives. Any exception becomes a SkippedFile."""
    from mlx_backend.importers.readers import registry

    try:
        if isinstance(source, SourceFile):
            yield from registry.read(source)
        else:
            yield from registry.large_reader(source.name, source.head)(source)
    except Exception as error:
        raise SkippedFile(reason_for(error, "The file is damaged and cannot be read")) from error


def _within_limits(items: Iterator[Item], began: float) -> Iterator[Item]:
    """The items until a limit is reached, then a SkippedPart for the rest of the file.

    `began` is the start of reading, in seconds of the monotonic clock.
    """
    size = 0
    for count, item in enumerate(map(_not_too_long, items)):
        if isinstance(item, EnteredPart):
            limits.allow_processor_time()
        elif isinstance(item, Document):
            size += len(item.text)
        if size > limits.MOST_TEXT or count > 3 * limits.MOST_PARTS:
            yield SkippedPart(THE_REST, _TOO_LARGE)
            return
        if time.monotonic() - began > limits.SECONDS_PER_FILE:
            yield SkippedPart(THE_REST, _TOO_LONG)
            return
        yield item


def _not_too_long(item: Item) -> Item:
    if isinstance(item, Document) and len(item.text) > limits.LARGEST_TEXT:
        return SkippedPart(item.part, _TOO_MUCH_TEXT)
    return item


def _message(item: Item) -> sandbox_messages.SandboxReply:
    if isinstance(item, EnteredPart):
        return sandbox_messages.Entered(_line(item.part))
    if isinstance(item, SkippedPart):
        return sandbox_messages.PartSkipped(_line(item.part), item.reason)
    return sandbox_messages.FoundDocument(
        title=_line(item.title)[:_LONGEST_TITLE],
        text=_encodable(item.text),
        kind=item.kind,
        part=_line(item.part),
        created=item.created,
        author=_line(item.author)[:_LONGEST_TITLE],
        voices=tuple(
            msgspec.structs.replace(voice, name=_line(voice.name)[:_LONGEST_TITLE])
            for voice in item.voices
        ),
        left_out=_encodable(item.left_out),
        aliases=tuple(map(_encodable, item.aliases)),
        tags=tuple(map(_encodable, item.tags)),
    )


def _line(text: str) -> str:
    """The text as one line of printable characters, for titles and names of parts."""
    return " ".join(printable(text).split())


def _encodable(text: str) -> str:
    """The text without lone surrogates, which JSON can contain but SQLite cannot store."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _size(file: int) -> int:
    info = os.fstat(file)
    if not stat.S_ISREG(info.st_mode):
        raise SkippedFile("This is a device or a pipe, not a file")
    return info.st_size


def _small(request: sandbox_messages.ReadRequest, file: int) -> SourceFile:
    chunks: list[bytes] = []
    size = 0
    while chunk := os.read(file, _CHUNK):
        if not chunks:
            refuse_binary(chunk[:_HEAD])  # before reading the rest of, say, a film
        chunks.append(chunk)
        size += len(chunk)
        if size > limits.LARGEST_FILE:
            raise SkippedFile("The file grew while it was read")
    return SourceFile(
        request.name,
        b"".join(chunks),
        excluded_parts=frozenset(request.excluded_parts),
        chosen=request.chosen,
    )


def _large(request: sandbox_messages.ReadRequest, file: int) -> LargeSourceFile:
    from mlx_backend.importers.readers.registry import large_reader

    head = os.pread(file, _HEAD, 0)
    large_reader(request.name, head)  # raises before the whole file is read
    if _size(file) > limits.LARGEST_IN_PIECES:
        raise SkippedFile(too_large(request.name, limits.LARGEST_IN_PIECES))
    opened = os.fdopen(file, "rb", closefd=False)
    return LargeSourceFile(request.name, head, opened, frozenset(request.excluded_parts))


def _hash(connection: socket.socket, source: SourceFile | LargeSourceFile) -> str:
    """The SHA-256 of a file. For a large file, sends a sign of life now and then."""
    if isinstance(source, SourceFile):
        return hashlib.sha256(source.data).hexdigest()
    digest = hashlib.sha256()
    for number, chunk in enumerate(iter(lambda: source.file.read(_CHUNK), b"")):
        digest.update(chunk)
        if number % _CHUNKS_BETWEEN_SIGNS == 0:
            limits.allow_processor_time()
            sandbox_messages.send(connection, sandbox_messages.Entered(""))
    return digest.hexdigest()


if __name__ == "__main__":
    main(int(sys.argv[1]))
