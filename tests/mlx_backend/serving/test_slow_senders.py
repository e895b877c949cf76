"""Clients that say what they want so slowly that they only hold a place."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from mlx_backend.serving import connections, limits
from mlx_backend.serving.limits import drain, read_body
from mlx_backend.serving.listening import bound, listening
from mlx_backend.serving.refusals import Refusal, json_response
from tests.mlx_backend.serving.served import answer_in, read_all

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


async def counting(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of what it was sent."""
    try:
        response = json_response(len(await read_body(scope, receive)))
    except Refusal as refusal:
        response = refusal.response
    await response(scope, receive, send)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connections, "_PATIENCE_S", 0.5)
    monkeypatch.setattr(limits, "_PATIENCE_S", 0.5)
    listener = bound(0)
    port = listener.getsockname()[1]
    with listening(counting, listener):
        yield port


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        yield connection


def drip(connection: socket.socket, piece: bytes) -> float:
    """Send pieces until the other side ends the connection; returns the seconds that took."""
    began = time.monotonic()
    connection.settimeout(0.05)
    while time.monotonic() - began < 30:
        try:
            connection.sendall(piece)
            if not connection.recv(10):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


@pytest.mark.parametrize("before", [b"", HEAD + b"Content-Length: 2\r\n\r\n12"], ids=["1st", "2nd"])
def test_the_head_of_a_request_may_not_take_for_ever(port: int, before: bytes) -> None:
    with connected(port) as connection:
        if before:
            connection.sendall(before)
            assert answer_in(connection.recv(4096)).status == 200
        connection.sendall(HEAD + b"X: ")
        assert drip(connection, b"x") < 20


def test_who_says_nothing_is_left(port: int) -> None:
    with connected(port) as connection:
        assert connection.recv(10) == b""


def test_a_body_may_not_take_for_ever(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n123")
        assert answer_in(read_all(connection)).status == 408
    with connected(port) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        assert drip(connection, b"1\r\nx\r\n") < 20


def test_there_is_a_most_of_connections(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 3)
    monkeypatch.setattr(connections, "_PATIENCE_S", 30)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(port)) for _ in range(6)]
        ended = []
        for each in silent:
            each.settimeout(0.5)
            try:
                ended.append(each.recv(1) == b"")
            except TimeoutError:
                ended.append(False)
            except ConnectionResetError:
                ended.append(True)
        assert ended == [False, False, False, True, True, True]


def test_what_is_read_of_a_refused_body_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    async def endless() -> dict[str, object]:
        nonlocal read
        read += 1_000_000
        return {"type": "http.request", "body": b"x" * 1_000_000, "more_body": True}

    scope = {"headers": [(b"transfer-encoding", b"chunked")]}
    asyncio.run(drain(scope, endless))
    assert read <= 33_000_000
