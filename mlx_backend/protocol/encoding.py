"""Messages as lines of JSON, one object each, and how lines of another version are read.

What is on disk (specs, events) is read whichever version wrote it: a line of an earlier version is
upgraded (`upgrades.py`), one of a later version is read as far as this version knows its fields.
Worker messages pass between processes of one installation, and must have the same version.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import upgrades
from mlx_backend.protocol.events import JobEvent
from mlx_backend.protocol.message import VERSION, Message
from mlx_backend.protocol.specs import JobSpec
from mlx_backend.protocol.upgrades import Fields, Upgrade
from mlx_backend.protocol.worker_messages import WorkerReply, WorkerRequest

_log = logging.getLogger(__name__)
_M = TypeVar("_M", bound=Message)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_encoder = msgspec.json.Encoder()
_spec_decoder = msgspec.json.Decoder(JobSpec)
_event_decoder = msgspec.json.Decoder(JobEvent)
_request_decoder = msgspec.json.Decoder(WorkerRequest)
_reply_decoder = msgspec.json.Decoder(WorkerReply)
_fields_decoder = msgspec.json.Decoder(Fields)
_version_decoder = msgspec.json.Decoder(Message)


def encode_line(message: Message) -> bytes:
    """A message as one line, with its newline."""
    return _encoder.encode(message) + b"\n"


def decode_spec(data: bytes) -> JobSpec:
    """A job's spec, of any version. Raises OvernightError when it cannot be read.

    That of a newer version is read as far as possible; `check_version` tells it apart.
    """
    try:
        spec: JobSpec = _read(_spec_decoder, data, upgrades.SPEC_UPGRADES)
    except _UNREADABLE as error:
        if _version(data) > VERSION:
            raise _made_by_a_newer_version() from error
        raise OvernightError(
            ErrorKind.RUN_UNKNOWN,
            "This job's description (spec.json) is damaged and cannot be read.",
            "Start a new run.",
            str(error),
        ) from error
    return spec


def check_version(data: bytes) -> None:
    """Raise OvernightError where a newer version wrote the spec: its fields may differ in meaning.

    Called before working on a job, and not before showing it.
    """
    if _version(data) > VERSION:
        raise _made_by_a_newer_version()


def decode_event(line: bytes) -> JobEvent | None:
    """A job event, of any version; None (and a log entry) for a line that cannot be read."""
    try:
        event: JobEvent = _read(_event_decoder, line, upgrades.EVENT_UPGRADES)
    except _UNREADABLE as error:
        _log.warning("dropped an event of %d bytes: %s", len(line), error)
        return None
    return event


def decode_request(line: bytes) -> WorkerRequest | None:
    """A request to the worker; None (and a log entry) for a line that cannot be read."""
    return _decode(_request_decoder, line)


def decode_reply(line: bytes) -> WorkerReply | None:
    """A worker's reply; None (and a log entry) for a line that cannot be read."""
    return _decode(_reply_decoder, line)


def _decode(decoder: msgspec.json.Decoder[_M], line: bytes) -> _M | None:
    try:
        message = decoder.decode(line)
    except _UNREADABLE as error:
        _log.warning("dropped a message of %d bytes: %s", len(line), error)
        return None
    if message.v != VERSION:
        _log.warning("dropped a message of protocol version %d", message.v)
        return None
    return message


def _read(decoder: msgspec.json.Decoder[_M], line: bytes, known: Mapping[int, Upgrade]) -> _M:
    """A message of any version. Raises one of `_UNREADABLE`."""
    if not known or _version(line) >= VERSION:
        return decoder.decode(line)
    fields = _fields_decoder.decode(line)
    try:
        newer = upgrades.upgraded(fields, known, _version(line))
    except (LookupError, TypeError, ValueError) as error:  # the line is not what it should be
        raise msgspec.ValidationError(str(error)) from error
    return msgspec.convert(newer | {"v": VERSION}, decoder.type)


def _version(data: bytes) -> int:
    """The version that wrote a message; this version's where that cannot be read."""
    try:
        return _version_decoder.decode(data).v
    except _UNREADABLE:
        return VERSION


def _made_by_a_newer_version() -> OvernightError:
    return OvernightError(
        ErrorKind.RUN_UNKNOWN,
        "A newer version of Overnight made this job; this version cannot work on it.",
        "Install the newest version of Overnight, then try again.",
    )
