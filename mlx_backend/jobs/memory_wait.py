"""Waiting for memory that other programs have taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.memory import look_at_memory
from mlx_backend.protocol import Waiting

# After so long a run tries in any case, because the free memory that is measured is not all that
# counts: a graphics card has memory of its own.
_PATIENCE_S = 3600.0
_PATIENCE_FOR_SPEED_S = 600.0  # rather train more slowly than wait all night


class NoRoomYet(OvernightError):
    """A training would fit here, but other programs have the memory.

    `needed` and `free` are bytes. `waiting` is the event that tells it.
    """

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
    """The memory (bytes) that programs can still take."""
    return look_at_memory().available


class MemoryWait:
    """Waits for memory: after each refusal for longer, at least.

    `rests` are the least seconds by the number of refusals, `available` gives the free bytes.
    """

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
        """A training found too little memory, for the `times`th time in a row: wait for more."""
        self._waiting, self._since = waiting, self._clock()
        self._rest = self._rests[min(times, len(self._rests)) - 1]

    def __call__(self) -> Waiting | None:
        """What the run waits for; None when it may try again."""
        if self._waiting is not None and self._is_worth_a_try(self._waiting):
            self._waiting = None
        return self._waiting

    def _is_worth_a_try(self, refused: Waiting) -> bool:
        waited = self._clock() - self._since
        patience = _PATIENCE_FOR_SPEED_S if refused.could_take_less else _PATIENCE_S
        is_rested = waited >= self._rest
        return waited >= patience or (is_rested and self._available() >= refused.needed_bytes)
