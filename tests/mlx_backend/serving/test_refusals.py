"""What the server refuses, whoever sends it, and that it goes on afterwards."""

from __future__ import annotations

import json
import socket
from typing import Any

import psutil
import pytest

from tests.mlx_backend.serving.served import Served, answer_in, read_all

GOOD: Any = {
    "model": "tiny",
    "messages": [{"role": "user", "content": "Who lit the lamp?"}],
    "max_tokens": 1,
}
BODY = json.dumps(GOOD).encode()


@pytest.fixture(autouse=True)
def _still_answers(served: Served) -> Any:
    """After each test a good request is answered."""
    yield
    assert served.chat(GOOD).status == 200


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Basic {token}", "{token}", "Bearer {token}x", "Bearer ü"],
)
def test_only_who_knows_the_token_may_ask(served: Served, value: str) -> None:
    header = value.format(token=served.token)
    for method, path in (("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/x")):
        reply = served.raw(method, path, BODY if method == "POST" else None, Authorization=header)
        assert (reply.status, reply.code) == (401, "invalid_api_key")
        assert reply.headers["www-authenticate"] == "Bearer"


def test_two_tokens_are_none(served: Served) -> None:
    with served.connected() as connection:
        line = f"Authorization: Bearer {served.token}"
        connection.sendall(served.head(len(BODY), line) + BODY)
        assert answer_in(read_all(connection)).status == 401


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:8717", "http://localhost", "file://"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_no_page_in_a_browser_may_ask(served: Served, origin: str, method: str) -> None:
    path = "/v1/models" if method == "GET" else "/v1/chat/completions"
    body = BODY if method == "POST" else None
    reply = served.raw(method, path, body, Origin=origin, Access_Control_Request_Method="POST")
    assert (reply.status, reply.code) == (403, "foreign_origin")
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil:{port}",
     "127.0.0.2:{port}", "localhost", "0.0.0.0:{port}", "localhost:{port}@evil", "[::2]:{port}"],
)  # fmt: skip
def test_no_other_name_of_this_machine_is_taken(served: Served, host: str) -> None:
    reply = served.raw("GET", "/v1/models", Host=host.format(port=served.port))
    assert (reply.status, reply.code) == (421, "wrong_host")


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "LocalHost:{port}", "[::1]:{port}"])
def test_its_own_names_are_taken(served: Served, host: str) -> None:
    assert served.raw("GET", "/v1/models", Host=host.format(port=served.port)).status == 200


def test_it_listens_on_loopback_only(served: Served) -> None:
    connections = psutil.Process(served.process.pid).net_connections("tcp")
    listens = [each.laddr for each in connections if each.status == psutil.CONN_LISTEN]
    assert listens == [("127.0.0.1", served.port)]
    others = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    for address in [*others, "127.0.0.2"]:
        with pytest.raises(OSError, match=r"refused|unreachable|assign"):
            socket.create_connection((address, served.port), timeout=2)


def test_a_large_body_is_refused_by_its_length(served: Served) -> None:
    reply = served.chat(b'{"x": "' + b"x" * 10_000_000 + b'"}')
    assert (reply.status, reply.code) == (413, "too_large")


def test_a_large_body_that_is_asked_for_first_is_never_sent(served: Served) -> None:
    with served.connected() as connection:
        connection.sendall(served.head(10_000_000, "Expect: 100-continue"))
        assert answer_in(read_all(connection)).status == 413


def chunked(body: bytes, size: int = 60_000) -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(("length", "status"), [(len(BODY), 200), (10_000_000, 413)])
def test_a_body_in_chunks_is_measured_as_it_comes(served: Served, length: int, status: int) -> None:
    body = BODY + b" " * (length - len(BODY))
    with served.connected() as connection:
        head = served.head(None, "Transfer-Encoding: chunked", "Connection: close")
        connection.sendall(head + chunked(body))
        assert answer_in(read_all(connection)).status == status


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: -5"], BODY),
        (["Content-Length: +5"], BODY),
        (["Content-Length: 0x5"], BODY),
        (["Content-Length: 5", "Content-Length: 6"], BODY),
        (["Content-Length: 5, 6"], BODY),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], chunked(BODY)),
        (["Transfer-Encoding: gzip, chunked"], chunked(BODY)),
        (["Transfer-Encoding: xchunked"], chunked(BODY)),
        (["Transfer-Encoding : chunked"], chunked(BODY)),
        (["Transfer-Encoding: chunked"], b"5;x=\r\n" + BODY),
        (["Transfer-Encoding: chunked"], b"-5\r\n" + BODY),
        (["Transfer-Encoding: chunked"], b"fffffffffffffffff\r\n" + BODY),
        ([" folded: x", "Content-Length: 5"], BODY),
        (["Content-Length: 5\rX: y"], BODY),
        (["Content-Length: 5\x00"], BODY),
    ],
)  # fmt: skip
def test_two_readings_of_one_request_are_none(
    served: Served, lines: list[str], body: bytes
) -> None:
    """What could hide a second request in the first is refused, and the connection ends."""
    hidden = served.head(len(BODY), path="/v1/completions")
    with served.connected() as connection:
        connection.sendall(served.head(None, *lines) + body + hidden)
        connection.shutdown(socket.SHUT_WR)
        brought = read_all(connection)
    assert brought.count(b"HTTP/1.1") <= 1
    assert b"HTTP/1.1 200" not in brought


def test_an_http_1_0_client_needs_a_host_too(served: Served) -> None:
    with served.connected() as connection:
        connection.sendall(b"GET /v1/models HTTP/1.0\r\n\r\n")
        assert answer_in(read_all(connection)).status == 421


def test_an_absolute_target_reaches_nothing(served: Served) -> None:
    reply = served.raw("GET", "http://evil.example/v1/models")
    assert (reply.status, reply.code) == (404, "unknown_address")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (BODY[:-1], "invalid_json"),
        (BODY + b"x", "invalid_json"),
        (b"\xff\xfe{}", "invalid_json"),
        (b'{"model": "\xff"}', "invalid_json"),
        (b'{"model": "\\ud800"}', "invalid_json"),
        (b"[]", "invalid_value"),
        (b"null", "invalid_value"),
        (b"[" * 400_000, "too_deep"),
        (b'{"model":' * 100_000, "too_deep"),
        (b'{"metadata":' + b"[" * 17 + b"]" * 17 + b"}", "too_deep"),
        (b'{"messages": [' + b'{"role":"user","content":"x"},' * 20_000, "invalid_json"),
        (json.dumps(GOOD | {"messages": GOOD["messages"] * 1001}).encode(), "invalid_value"),
        (json.dumps(GOOD | {"stop": ["a", "b", "c", "d", "e"]}).encode(), "invalid_value"),
        (json.dumps(GOOD | {"stop": [""]}).encode(), "invalid_value"),
        (json.dumps(GOOD | {"temperature": float("nan")}).encode(), "invalid_json"),
    ],
    ids=range(17),
)
def test_what_is_no_request_is_refused(served: Served, body: bytes, code: str) -> None:
    reply = served.chat(body)
    assert (reply.status, reply.code) == (400, code)


def test_brackets_within_a_text_are_not_depth(served: Served) -> None:
    messages = [{"role": "user", "content": '[{"\\' * 50}]
    assert served.chat(GOOD | {"messages": messages}).status == 200


@pytest.mark.parametrize(
    "headers",
    [{"Content_Type": "text/plain"}, {"Content_Type": ""}, {"Content_Encoding": "gzip"}],
    ids=str,
)
def test_only_plain_json_is_read(served: Served, headers: dict[str, str]) -> None:
    assert served.chat(GOOD, **headers).status == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("POST", "/v1/embeddings", 404),
        ("GET", "/v1/models/nobody", 404),
        ("GET", "/v1/models/../../etc/passwd", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models/tiny", 405),
    ],
)
def test_other_addresses(served: Served, method: str, path: str, status: int) -> None:
    reply = served.raw(method, path, BODY if method == "POST" else None)
    assert reply.status == status
    assert reply.code
