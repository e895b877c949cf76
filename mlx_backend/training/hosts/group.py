"""Speaking with the other machines: MLX's ring of TCP connections, and what goes round in it.

Every machine must take part in every call. One that waits for another does so without an end;
who is gone is found out by whoever started them all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import mlx.core as mx
import numpy as np

from mlx_backend.errors import ErrorKind, OvernightError

_RING = "[ring]"  # what its errors begin with: all others are not about the connection


class Group:
    """The machines of a run. `rank` is this one's number, 0 that of the one that leads.

    Everything raises OvernightError (HOST_LOST) when the connection to a neighbour is gone.
    """

    def __init__(self) -> None:
        with _told_as_lost():
            self._group = mx.distributed.init(strict=True, backend="ring")
        self.rank: int = self._group.rank()
        self.size: int = self._group.size()

    def broadcast(self, data: bytes = b"") -> bytes:
        """Give all what the leading machine gives; the others give nothing."""
        length = int(np.array(self.sum(mx.array([len(data)])))[0])
        own = np.frombuffer(data, np.uint8) if data else np.zeros(length, np.uint8)
        return np.array(self.sum(mx.array(own))).tobytes()

    def gather(self, data: bytes) -> list[bytes]:
        """What each machine gives, by rank."""
        lengths = self._gathered(mx.array([len(data)])).tolist()
        # One more than the longest: nothing can be gathered of arrays without elements.
        padded = np.frombuffer(data.ljust(max(lengths) + 1, b"\0"), np.uint8)
        rows = self._gathered(mx.array(padded)).reshape(self.size, -1)
        return [row[:length].tobytes() for row, length in zip(rows, lengths, strict=True)]

    def sum(self, array: mx.array) -> mx.array:
        """The sum of an array over all machines, computed."""
        with _told_as_lost():
            total = mx.distributed.all_sum(array, group=self._group)
            mx.eval(total)
        return total

    def _gathered(self, array: mx.array) -> np.ndarray:
        with _told_as_lost():
            return np.array(mx.distributed.all_gather(array, group=self._group))


@contextlib.contextmanager
def _told_as_lost() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if _RING not in str(error):
            raise
        raise OvernightError(
            ErrorKind.HOST_LOST,
            "The connection to another machine was lost.",
            "Check that all machines are on and connected.",
            str(error),
        ) from error
