"""Many clients at once, and clients that go before they have their answer."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from mlx_backend.serving.server import WAITING
from tests.mlx_backend.serving.served import Reply, Served, answer_in, read_all

SHORT: Any = {
    "model": "tiny",
    "messages": [{"role": "user", "content": "Who lit the lamp?"}],
    "max_tokens": 2,
    "temperature": 0,
}
ENDLESS: Any = SHORT | {"max_tokens": 6000, "temperature": 1.9, "top_p": 1.0, "seed": 3}
"""An answer that takes minutes here: nothing but a client that goes ends it soon."""

LONG: Any = SHORT | {"max_tokens": 6000}
"""Ten seconds and more: greedily, the tiny model says the same word for ever."""


def posted(served: Served, request: Any) -> bytes:
    body = json.dumps(request).encode()
    return served.head(len(body)) + body


def test_each_of_a_hundred_gets_an_answer_or_is_told_to_come_again(served: Served) -> None:
    def ask(_: int) -> Reply:
        return served.chat(SHORT)

    with ThreadPoolExecutor(100) as pool:
        replies = list(pool.map(ask, range(100)))
    counts = Counter(reply.status for reply in replies)
    assert set(counts) <= {200, 429}
    assert counts[200] >= WAITING
    texts = {r.json["choices"][0]["message"]["content"] for r in replies if r.status == 200}
    assert len(texts) == 1
    for reply in replies:
        if reply.status == 429:
            assert reply.code == "queue_full"
            assert int(reply.headers["retry-after"]) > 0


def test_the_client_of_openai_comes_again_by_itself(served: Served) -> None:
    with ThreadPoolExecutor(WAITING + 12) as pool:
        clients = [served.client(retries=6) for _ in range(WAITING + 12)]
        found = list(pool.map(lambda each: each.chat.completions.create(**SHORT), clients))
    assert all(each.choices for each in found)


def test_an_answer_ends_with_its_client(served: Served) -> None:
    """Whoever asks next has the answer long before the one that nobody hears would have ended."""
    for streams in (True, False):
        gone = served.connected()
        gone.sendall(posted(served, ENDLESS | {"stream": streams}))
        if streams:
            assert b"200 OK" in gone.recv(4096)
        else:
            time.sleep(0.5)
        gone.close()
        began = time.monotonic()
        assert served.chat(SHORT).status == 200
        assert time.monotonic() - began < 30


def test_who_goes_while_queued_leaves_the_queue(served: Served) -> None:
    for _ in range(2):  # the places of the first ones are free again for the second
        with contextlib.ExitStack() as queued:
            for _ in range(WAITING + 1):  # one of them is answered
                one = queued.enter_context(served.connected())
                one.sendall(posted(served, LONG))
            until_refused(served, queued)
        time.sleep(0.5)
    assert served.chat(SHORT).status == 200


def until_refused(served: Served, queued: contextlib.ExitStack) -> None:
    """Come again until somebody is refused; whoever is not, stays in the queue."""
    for _ in range(2 * WAITING):
        one_more = queued.enter_context(served.connected())
        one_more.sendall(posted(served, LONG))
        one_more.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            if answer_in(one_more.recv(65536)).status == 429:
                return
    raise AssertionError("the queue was never full")


def test_a_client_that_does_not_read_keeps_nobody_waiting(served: Served) -> None:
    deaf = served.connected()
    deaf.sendall(posted(served, SHORT | {"max_tokens": 300, "stream": True}))
    assert served.chat(SHORT).status == 200
    deaf.close()


def test_requests_in_a_row_on_one_connection(served: Served) -> None:
    with served.connected() as connection:
        connection.sendall(posted(served, SHORT) * 3 + b"GET /v1/models HTTP/1.0\r\n\r\n")
        brought = read_all(connection)
    assert brought.count(b"HTTP/1.1 200 OK") == 3
    assert brought.count(b"HTTP/1.1 421") == 1


def test_files_and_threads_do_not_pile_up(served: Served) -> None:
    process = psutil.Process(served.process.pid)
    served.chat(SHORT)
    for _ in range(20):
        served.connected().close()
        with served.connected() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
    before = process.num_fds()
    for _ in range(40):
        with served.connected() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
        served.chat(SHORT)
    time.sleep(0.5)
    assert process.num_fds() <= before + 10
    assert process.num_threads() < 60
