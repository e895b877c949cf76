"""How much of a request is read: its length, its depth, and the time that it may take."""

from __future__ import annotations

import asyncio
import re
from typing import TypeVar

import msgspec
from starlette.types import Receive, Scope

from mlx_backend.serving.refusals import Refusal

LARGEST_BODY = 1_000_000  # bytes
_DEEPEST = 16
_PATIENCE_S = 20.0  # for a whole body
# What is read of a body that is refused, so that its sender gets to read why.
_DRAINED = 32_000_000  # bytes
_DRAIN_S = 3.0
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[][{}]', re.DOTALL)

_FIELD = re.compile(r"field `(.+)`$")

_T = TypeVar("_T")


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The body of a request. Raises Refusal when it is too large, too slow, or no plain JSON."""
    try:
        _check_head(dict(scope["headers"]))
        async with asyncio.timeout(_PATIENCE_S):
            return await _read(receive)
    except TimeoutError:
        message = "The request came too slowly. Try again."
        raise Refusal(408, "too_slow", message, unread=True) from None
    except Refusal as refusal:
        if refusal.unread:
            await drain(scope, receive)
        raise


async def drain(scope: Scope, receive: Receive) -> None:
    """Read on in a body that nobody wants, within bounds, and forget it."""
    headers = dict(scope["headers"])
    if headers.get(b"expect", b"").lower() == b"100-continue" or not _has_body(headers):
        return
    left = _DRAINED
    try:
        async with asyncio.timeout(_DRAIN_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return
    except TimeoutError:
        return


def decoded(body: bytes, kind: type[_T]) -> _T:
    """The request in a body. Raises Refusal where it is no JSON, too deep, or not of this kind."""
    _check_depth(body)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (ValueError, RecursionError):
        raise Refusal(400, "invalid_json", "The request is not valid JSON in UTF-8.") from None


def _invalid(told: str) -> Refusal:
    """The refusal for what msgspec tells, such as "Expected `int`, got `str` - at `$.seed`"."""
    what, _, place = told.partition(" - at `$")
    named = _FIELD.search(what)
    path = [place.strip("`.")] * bool(place) + ([named[1]] if named else [])
    param = ".".join(path) or None
    where = f" (at {place.strip('`.')})" if place else ""
    return Refusal(400, "invalid_value", f"{what}{where}.", param=param)


def _check_head(headers: dict[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        message = "Send JSON, with 'Content-Type: application/json'."
        raise Refusal(415, "wrong_type", message, unread=True)
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        message = "Send the JSON as it is, not compressed."
        raise Refusal(415, "wrong_encoding", message, unread=True)
    if _stated_length(headers) > LARGEST_BODY:
        raise _too_large(unread=True)


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "gone", "The request ended before it was whole.")
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise _too_large(unread=bool(message.get("more_body")))
        if not message.get("more_body"):
            return bytes(body)


def _check_depth(body: bytes) -> None:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(body):
        if found[0] in (b"[", b"{"):
            depth += 1
            if depth > _DEEPEST:
                message = f"The JSON is nested more than {_DEEPEST} deep."
                raise Refusal(400, "too_deep", message)
        elif found[0] in (b"]", b"}"):
            depth -= 1


def _stated_length(headers: dict[bytes, bytes]) -> int:
    try:
        return int(headers.get(b"content-length", b"0"))
    except ValueError:
        return 0


def _has_body(headers: dict[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or _stated_length(headers) > 0


def _too_large(unread: bool) -> Refusal:
    message = f"The request is larger than {LARGEST_BODY:,} bytes."
    return Refusal(413, "too_large", message, unread=unread)
