"""Requests by chance: each gets a right answer, and the server stays up."""

from __future__ import annotations

import socket

from tests.mlx_backend.serving.fuzzing import GOOD, Case, cases
from tests.mlx_backend.serving.served import Served, answer_in, read_all


def status_of(served: Served, case: Case) -> int | None:
    """The status of the answer to a request; None without one."""
    with served.connected() as connection:
        try:
            connection.sendall(case.data)
            if None in case.right:  # a server may wait for the rest of what is no whole request
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has answered before it has read all
        brought = read_all(connection)
    return answer_in(brought).status if brought.startswith(b"HTTP/1.1 ") else None


def test_each_of_hundreds_of_requests_gets_a_right_answer(served: Served) -> None:
    for case in cases(served, 300):
        found = status_of(served, case)
        assert found in case.right, case
    assert served.process.poll() is None
    assert served.chat(GOOD).status == 200
