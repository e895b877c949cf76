"""What a supervisor asks of the machine and says to the person, in one place to exchange."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from mlx_backend.protocol import Waiting


def _nothing() -> None:
    return None


def _said_to_nobody(title: str, text: str) -> None:
    return None


@dataclass(frozen=True)
class Surroundings:
    """The night around a run; each part does nothing unless it is given.

    obstacle: what keeps the machine from computing now (battery, heat, memory). turn: why the run
    may not begin yet (its time, other runs). awake: keeps the machine from sleeping while it
    computes. ready: the same while what it waits for comes by itself (its time, another run's end).
    energy: watt-hours used since it was made, and how they were estimated. notify: a
    title and a sentence for whoever is at the machine.
    """

    obstacle: Callable[[], Waiting | None] = _nothing
    turn: Callable[[], Waiting | None] = _nothing
    awake: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext
    ready: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext
    energy: Callable[[], tuple[float, str] | None] = _nothing
    notify: Callable[[str, str], None] = _said_to_nobody


class Every:
    """True at the first call, and again each time that so many seconds have passed."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._due = float("-inf")

    def is_due(self) -> bool:
        """Whether it is time; asking starts the next span."""
        now = self._clock()
        if now < self._due:
            return False
        self._due = now + self._seconds
        return True
