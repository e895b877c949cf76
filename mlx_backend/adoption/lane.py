"""The GPU's lane for models that come: a run that trains and a trial would slow each other down."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from mlx_backend import protocol
from mlx_backend.adoption.work import Work
from mlx_backend.locks import FileLock

_LOOK_EVERY_S = 0.2


@contextlib.contextmanager
def in_the_lane(work: Work) -> Iterator[None]:
    """Hold the lane of the library for a block; wait for it, and tell that. Raises Stopped."""
    lane = FileLock(work.library.lane)
    if not lane.acquire():
        text = "It is tried when the run that computes now is done."
        work.journal.append(protocol.Waiting(reason="turn", text=text))
        while not lane.acquire():
            work.stop_if_asked()
            time.sleep(_LOOK_EVERY_S)
        work.journal.append(protocol.WaitOver())
    try:
        yield
    finally:
        lane.release()
