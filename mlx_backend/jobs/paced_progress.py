"""Progress of work that only counts, told with how long each of its parts still takes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable

from mlx_backend.jobs.pace import Pace
from mlx_backend.protocol import JobEvent, Progress


class PacedProgress:
    """Tells a job's `Progress` events. `clock` returns seconds.

    Work that counts several kinds of things, one kind after another, has a pace for each.
    """

    def __init__(
        self, tell: Callable[[JobEvent], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._paces: defaultdict[str, Pace] = defaultdict(Pace)

    def show(self, what: str, done: int, total: int) -> None:
        """So many of so many things of the kind `what` are done."""
        left = self._paces[what].remaining(done, total, self._clock())
        remaining = None if left is None else round(left, 1)
        self._tell(Progress(done=done, total=total, unit=what, remaining_s=remaining))
