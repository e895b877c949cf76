"""How far a download is, how fast, and how long it still takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from mlx_backend.protocol import Progress

_WINDOW_S = 10.0
_EVERY_S = 1.0


class Meter:
    """Tells of progress once a second. `total` and all counts are bytes."""

    def __init__(
        self,
        total: int,
        tell: Callable[[Progress], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._tell = tell
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._told_at = float("-inf")

    def show(self, done: int) -> None:
        """So many bytes are there now."""
        now = self._clock()
        if done < self._total and now - self._told_at < _EVERY_S:
            return
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # a server that knows no ranges began anew
        self._seen.append((now, done))
        while now - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()
        speed = self._speed()
        self._say(done, f"{speed / 1e6:.1f} MB/s" if speed else "", speed)

    def show_wait(self, done: int, why: str) -> None:
        """Nothing comes just now."""
        self._seen.clear()
        self._say(done, why, 0.0)

    def _say(self, done: int, text: str, speed: float) -> None:
        self._told_at = self._clock()
        left = (self._total - done) / speed if speed else None
        self._tell(
            Progress(done=done, total=self._total, unit="bytes", text=text, remaining_s=left)
        )

    def _speed(self) -> float:
        """Bytes a second in the last ten seconds; 0 where that is not known yet."""
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - began) if now - began >= _EVERY_S else 0.0
