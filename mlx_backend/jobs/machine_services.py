"""What a supervisor needs of the machine: an interface, which tests replace.

`night/this_machine.py` implements it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from mlx_backend.protocol import Waiting


def _nothing() -> None:
    return None


def _no_notification(title: str, text: str) -> None:
    return None


@dataclass(frozen=True)
class MachineServices:
    """Functions of the machine; by default each does nothing.

    obstacle: why the machine should not compute now (battery, heat, memory). turn: why the run may
    not begin yet (its time, other runs). awake_while_computing: keeps the machine from sleeping.
    awake_while_waiting: the same while the run waits for its time or turn, which a sleeping machine
    would miss. energy: watt-hours used so far, and how they were measured or estimated; None where
    that is unknown. notify: shows a title and a sentence to the person at the machine.
    """

    obstacle: Callable[[], Waiting | None] = _nothing
    turn: Callable[[], Waiting | None] = _nothing
    awake_while_computing: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext
    awake_while_waiting: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext
    energy: Callable[[], tuple[float, str] | None] = _nothing
    notify: Callable[[str, str], None] = _no_notification


class Every:
    """Is due at the first call, and again whenever `seconds` have passed."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._due = float("-inf")

    def is_due(self) -> bool:
        """Whether it is due; if so, the next interval starts now."""
        now = self._clock()
        if now < self._due:
            return False
        self._due = now + self._seconds
        return True
