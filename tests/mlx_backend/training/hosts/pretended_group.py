"""A group whose other machines are not there: they say what a test has them say."""

from __future__ import annotations

import mlx.core as mx

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.training.hosts import orders
from mlx_backend.training.hosts.group import Group
from mlx_backend.training.hosts.orders import Message


class PretendedGroup(Group):
    """One of `size` machines. `heard` is what the leading one says, `answers` what is gathered.

    `said` is what this one told the others, and `given` what it gave when all were asked. With
    `is_cut` the connection is lost when something is to be added up.
    """

    def __init__(self, rank: int, size: int = 2) -> None:
        self.rank, self.size = rank, size
        self.heard: list[bytes] = []
        self.answers: list[bytes] = [b""] * size
        self.said: list[Message] = []
        self.given: list[bytes] = []
        self.is_cut = False

    def broadcast(self, data: bytes = b"") -> bytes:
        if self.rank == 0:
            self.said.append(orders.decode(data))
            return data
        return self.heard.pop(0)

    def gather(self, data: bytes) -> list[bytes]:
        self.given.append(data)
        return self.answers

    def sum(self, array: mx.array) -> mx.array:
        if self.is_cut:
            raise OvernightError(ErrorKind.HOST_LOST, "The connection was lost.")
        return array
