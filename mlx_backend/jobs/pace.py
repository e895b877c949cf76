"""How long work still takes, by how fast it has gone so far."""

from __future__ import annotations


class Pace:
    """How long the rest of some work takes, by how fast it went since it was first looked at."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def remaining(self, done: int, total: int, now: float) -> float | None:
        """The seconds that are left at the Unix time `now`; None while nothing was measured."""
        if self._first is None:
            self._first = now, done
        since, before = self._first
        if done <= before:
            return None
        return (now - since) / (done - before) * (total - done)
