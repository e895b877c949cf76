"""Requests by chance, each with the statuses that are right for it."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tests.mlx_backend.serving.served import Served

GOOD: dict[str, Any] = {
    "model": "tiny",
    "messages": [{"role": "user", "content": "Who lit the lamp?"}],
    "max_tokens": 1,
    "temperature": 0,
}
_RIGHT: dict[str, list[Any]] = {
    "model": ["tiny", "starter", "tiny+Shop", "tiny+Shop:0.5", None],
    "temperature": [0, 0.7, 2, None],
    "top_p": [0.1, 1, None],
    "seed": [0, -1, 2**70, None],
    "stop": ["a", ["x", "yy"], [], None],
    "n": [1, None],
    "max_completion_tokens": [1, 2, None],
    "user": ["me", {"x": [1]}, None],
    "stream_options": [{"include_usage": True}, {}, None],
    "frequency_penalty": [0, 0.0, None],
    "messages": [
        [{"role": "user", "content": text}]
        for text in ("", "\0", "<|im_end|>", "🎉" * 20, "\ue0000\ue001", "x" * 500, "{{ 1/0 }}")
    ],
}
_WRONG: dict[str, list[Any]] = {
    "model": ["nobody", "", 5, [], {}, "tiny+", "tiny+Shop:x", "../tiny", "starter\0"],
    "temperature": [-1, 2.1, "hot", [], True],
    "top_p": [0, 1.1, -1, "x"],
    "seed": ["x", 1.5, {}],
    "stop": ["", 5, [1], ["a"] * 5, {}],
    "n": [0, 2, "1"],
    "max_tokens": [0, -1, 1.5, "many", []],
    "stream": ["yes", 1, []],
    "logprobs": [True, 1],
    "tools": [[{}], {}, "x"],
    "messages": [[], {}, "x", None, [1], [{}], [{"role": "king", "content": "x"}]],
    "unknown": [1, None],
}
_TYPICAL = b'{"model": "tiny", "messages": [{"role": "user", "content": "Who?"}], "max_tokens": 1}'


@dataclass(frozen=True)
class Case:
    """A request as bytes; `right`: the statuses that are right.

    None: it may be no whole request, to which no answer is right too.
    """

    data: bytes
    right: Collection[int | None]


def cases(served: Served, count: int, seed: int = 1) -> Iterator[Case]:
    """So many requests, the same for every seed."""
    chance = random.Random(seed)
    makers = (_fields, _fields, _bytes, _head, _noise)
    for _ in range(count):
        yield chance.choice(makers)(served, chance)


def _sent(served: Served, body: bytes, *lines: str) -> bytes:
    return served.head(len(body), "Connection: close", *lines) + body


def _fields(served: Served, chance: random.Random) -> Case:
    """Right fields and, in half of the cases, one wrong one."""
    names = chance.sample(sorted(_RIGHT), chance.randint(0, 4))
    request = GOOD | {name: chance.choice(_RIGHT[name]) for name in names}
    request["stream"] = chance.choice([True, False, None])
    if chance.random() < 0.5:
        return Case(_sent(served, json.dumps(request).encode()), {200})
    wrong = chance.choice(sorted(_WRONG))
    request[wrong] = chance.choice(_WRONG[wrong])
    return Case(_sent(served, json.dumps(request).encode()), {400, 404})


def _bytes(served: Served, chance: random.Random) -> Case:
    """A typical body with some bytes changed: by chance it may still be a request."""
    body = bytearray(_TYPICAL)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(body))
        how = chance.random()
        if how < 0.4:
            body[place] = chance.randrange(256)
        elif how < 0.7:
            del body[place : place + chance.randint(1, 9)]
        else:
            body[place:place] = chance.randbytes(chance.randint(1, 9))
        if not body:
            break
    return Case(_sent(served, bytes(body)), {200, 400, 404})


def _head(served: Served, chance: random.Random) -> Case:
    """A good body after a head in which something is not as it must be."""
    head = served.head(len(_TYPICAL), "Connection: close")
    changes: list[tuple[bytes, bytes, Collection[int | None]]] = [
        (b"Bearer overnight", b"Bearer daylight", {401}),
        (b"Authorization", b"X-Authorization", {401}),
        (b"Host: 127.0.0.1", b"Host: evil.example", {421}),
        (b"Connection", b"Origin: https://evil.example\r\nConnection", {403}),
        (b"application/json", b"text/plain", {415}),
        (b"POST /v1/chat", b"PUT /v1/chat", {405}),
        (b"/v1/chat/completions", b"/v1/chat/Completions", {404}),
        (b"/v1/chat/completions", b"/v1/%2e%2e/chat", {404}),
        (b"HTTP/1.1", b"HTTP/3.7", {400, None}),
        (b"Content-Length: ", b"Content-Length: 9", {400, 408, 413, None}),
        (b"Content-Length: ", b"Content-Length: -", {400}),
        (b"\r\n", b"\n", {200}),
        (b": ", b"\0: ", {400}),
        (b"Content-Type", b"Content Type", {400}),
    ]
    old, new, right = chance.choice(changes)
    return Case(head.replace(old, new) + _TYPICAL, right)


def _noise(served: Served, chance: random.Random) -> Case:
    """Bytes by chance, some of them after the beginning of a request."""
    noise = chance.randbytes(chance.randint(0, 300))
    if chance.random() < 0.5:
        return Case(noise, {400, None})
    head = served.head(len(_TYPICAL))
    return Case(head[: chance.randrange(len(head) - 4)] + noise, {400, 401, 421, None})
