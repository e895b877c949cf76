"""The messages between an import and its reading process: msgpack frames over a socket.

A frame is the length of the message in four bytes (big-endian), then the message. The length of a
request carries the descriptor of the open file along (SCM_RIGHTS).
"""

from __future__ import annotations

import socket
import struct

import msgspec

from mlx_backend.importers.limits import LARGEST_TEXT
from mlx_backend.library.voices import Voice

_LENGTH = struct.Struct("!I")
_LARGEST_FRAME = 8 * LARGEST_TEXT


class ReadRequest(msgspec.Struct, frozen=True):
    """The request to read a file, unless its SHA-256 is the known one."""

    name: str
    known_sha256: str = ""
    excluded_parts: tuple[str, ...] = ()
    chosen: bool = False


class Entered(msgspec.Struct, frozen=True, tag=True):
    """The reader has started with a part; "" is a sign of life."""

    part: str


class FoundDocument(msgspec.Struct, frozen=True, tag=True):
    """A document; the fields are those of `Document`."""

    title: str
    text: str
    kind: str
    part: str
    created: float | None
    author: str
    voices: tuple[Voice, ...]
    left_out: str
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class PartSkipped(msgspec.Struct, frozen=True, tag=True):
    """A part that is not read; see `SkippedPart`."""

    part: str
    reason: str


class FileDone(msgspec.Struct, frozen=True, tag=True):
    """The end of an answer. `reason` says why the file is skipped; "" when it was read."""

    sha256: str = ""
    same: bool = False
    reason: str = ""


SandboxReply = Entered | FoundDocument | PartSkipped | FileDone


class Closed(Exception):
    """The other process has closed the connection."""


def send(connection: socket.socket, message: msgspec.Struct, descriptor: int = -1) -> None:
    """Send a message, with a file descriptor if given. Raises OSError when the peer is gone."""
    data = msgspec.msgpack.encode(message)
    length = _LENGTH.pack(len(data))
    if descriptor >= 0:
        socket.send_fds(connection, [length], [descriptor])
    else:
        connection.sendall(length)
    connection.sendall(data)


def receive_request(connection: socket.socket) -> tuple[ReadRequest, int]:
    """Wait for a request; returns it with its file descriptor. Raises Closed."""
    head, descriptors, _, _ = socket.recv_fds(connection, _LENGTH.size, 1)
    if not head or not descriptors:
        raise Closed
    head += _receive(connection, _LENGTH.size - len(head))
    data = _receive(connection, _LENGTH.unpack(head)[0])
    return msgspec.msgpack.decode(data, type=ReadRequest), descriptors[0]


class AnswerStream:
    """Decodes answers from bytes as they arrive, so that waiting for them can be interrupted."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._decoder = msgspec.msgpack.Decoder(SandboxReply)

    def feed(self, data: bytes) -> list[SandboxReply]:
        """Take in more bytes; returns the answers that are complete.

        Raises msgspec.ValidationError for an invalid or too long answer.
        """
        self._buffer += data
        answers = []
        while (end := self._end()) is not None:
            answers.append(self._decoder.decode(bytes(self._buffer[_LENGTH.size : end])))
            del self._buffer[:end]
        return answers

    def _end(self) -> int | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        length: int = _LENGTH.unpack_from(self._buffer)[0]
        if length > _LARGEST_FRAME:
            raise msgspec.ValidationError("an answer is too long")
        end = _LENGTH.size + length
        return end if len(self._buffer) >= end else None


def _receive(connection: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise Closed
        data += chunk
    return bytes(data)
