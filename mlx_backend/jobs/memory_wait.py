"""Memory that a training found taken by other programs: how that is told, and waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.memory import look_at_memory
from mlx_backend.protocol import Waiting

# What is free is not all that counts (a card may have memory of its own): so often it is tried
# in any case.
_PATIENCE_S = 3600.0
_PATIENCE_FOR_SPEED_S = 600.0  # a slower night beats one that is waited away


class NoRoomYet(OvernightError):
    """A training would fit here, but other programs have the memory; `waiting` says so."""

    def __init__(self, needed: int, free: int, could_take_less: bool = False) -> None:
        text = (
            f"It needs about {needed / 1e9:.1f} GB of memory, and other programs leave"
            f" {max(0, free) / 1e9:.1f} GB. It goes on by itself when enough is free; closing large"
            " programs helps."
        )
        super().__init__(ErrorKind.NO_MEMORY, text)
        self.waiting = Waiting(
            reason="memory", text=text, needed_bytes=needed, could_take_less=could_take_less
        )


def available_memory() -> int:
    """The bytes that programs could still take."""
    return look_at_memory().available


class MemoryWait:
    """Waits for memory: at least for a rest that grows with each time that it was refused."""

    def __init__(
        self,
        rests: Sequence[float],
        available: Callable[[], int] = available_memory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rests = rests
        self._available = available
        self._clock = clock
        self._waiting: Waiting | None = None
        self._since = 0.0
        self._rest = 0.0

    def refuse(self, waiting: Waiting, times: int) -> None:
        """A training found too little, so many times in a row: it waits until there is more."""
        self._waiting, self._since = waiting, self._clock()
        self._rest = self._rests[min(times, len(self._rests)) - 1]

    def __call__(self) -> Waiting | None:
        """What is waited for; None when it is worth a try."""
        if self._waiting is not None and self._is_worth_a_try(self._waiting):
            self._waiting = None
        return self._waiting

    def _is_worth_a_try(self, refused: Waiting) -> bool:
        waited = self._clock() - self._since
        patience = _PATIENCE_FOR_SPEED_S if refused.could_take_less else _PATIENCE_S
        is_rested = waited >= self._rest
        return waited >= patience or (is_rested and self._available() >= refused.needed_bytes)
