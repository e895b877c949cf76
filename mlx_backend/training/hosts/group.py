"""Communication between the machines of a run, over MLX's ring of TCP connections.

Every machine must take part in every call. There is no timeout: the process that launched all
machines notices when one is gone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import mlx.core as mx
import numpy as np

from mlx_backend.errors import ErrorKind, OvernightError

_RING = "[ring]"  # MLX's errors of the connection begin with it


class Group:
    """The machines of a run. `rank` is the number of this one; 0 is the leading machine.

    All methods raise OvernightError (HOST_LOST) when the connection to a neighbour is lost.
    """

    def __init__(self) -> None:
        with _connection_errors():
            self._group = mx.distributed.init(strict=True, backend="ring")
        self.rank: int = self._group.rank()
        self.size: int = self._group.size()

    def broadcast(self, data: bytes = b"") -> bytes:
        """The leading machine's data, on every machine; the others pass nothing."""
        length = int(np.array(self.sum(mx.array([len(data)])))[0])
        own = np.frombuffer(data, np.uint8) if data else np.zeros(length, np.uint8)
        return np.array(self.sum(mx.array(own))).tobytes()

    def gather(self, data: bytes) -> list[bytes]:
        """The data of every machine, by rank."""
        lengths = self._gathered(mx.array([len(data)])).tolist()
        # One byte longer than the longest, because empty arrays cannot be gathered.
        padded = np.frombuffer(data.ljust(max(lengths) + 1, b"\0"), np.uint8)
        rows = self._gathered(mx.array(padded)).reshape(self.size, -1)
        return [row[:length].tobytes() for row, length in zip(rows, lengths, strict=True)]

    def sum(self, array: mx.array) -> mx.array:
        """The sum of an array over all machines, evaluated."""
        with _connection_errors():
            total = mx.distributed.all_sum(array, group=self._group)
            mx.eval(total)
        return total

    def _gathered(self, array: mx.array) -> np.ndarray:
        with _connection_errors():
            return np.array(mx.distributed.all_gather(array, group=self._group))


@contextlib.contextmanager
def _connection_errors() -> Iterator[None]:
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
