"""What the machine has against a run going on now: its battery, heat, want of memory.

A condition has to last before it stops a run, and to be gone for a while before the run goes
on: a plug that is moved, or a minute of heat, is no reason to save and to begin again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from mlx_backend.night.battery import battery_strain
from mlx_backend.night.heat import heat_strain
from mlx_backend.night.memory_pressure import memory_strain
from mlx_backend.night.strain import Strain
from mlx_backend.protocol import Patience, Waiting, WaitReason

# Whoever has not looked for so long (s) knows nothing, and begins anew.
_FORGOTTEN_S = 90.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Condition:
    """Something to wait for.

    It stops a run after `lasts` seconds, and lets it go on after being gone for `gone` seconds.
    """

    reason: WaitReason
    text: str
    strain: Callable[[], Strain]
    lasts: float
    gone: float


BATTERY = Condition(
    "battery",
    "The machine runs on its battery. It goes on when power is connected.",
    battery_strain,
    lasts=30.0,
    gone=20.0,
)
HEAT = Condition(
    "heat",
    "The machine is hot. It goes on when it has cooled down.",
    heat_strain,
    lasts=120.0,
    gone=180.0,
)
MEMORY = Condition(
    "memory",
    "Other programs need the memory. It goes on when there is enough again.",
    memory_strain,
    lasts=30.0,
    gone=60.0,
)


def conditions_of(patience: Patience) -> list[Condition]:
    """The conditions that a person wants a run to wait for."""
    chosen = (
        (patience.on_battery, BATTERY),
        (patience.when_hot, HEAT),
        (patience.when_memory_is_short, MEMORY),
    )
    return [condition for wanted, condition in chosen if wanted]


class Lookout:
    """Looks at conditions again and again. `clock` counts seconds."""

    def __init__(
        self, conditions: Sequence[Condition], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._held = [_Held(condition) for condition in conditions]
        self._clock = clock

    def obstacle(self) -> Waiting | None:
        """Look now; the first thing that a run has to wait for, None when it may go on."""
        now = self._clock()
        waits = [held.condition for held in self._held if held.look(now)]
        return Waiting(reason=waits[0].reason, text=waits[0].text) if waits else None


class _Held:
    """One condition with its memory of when it began to change."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self._is_hindering = False
        self._changing_since: float | None = None
        self._looked = float("-inf")

    def look(self, now: float) -> bool:
        """Whether a run has to wait; the first look in a long time counts at once."""
        strain = _strain_of(self.condition)
        is_first = now - self._looked > _FORGOTTEN_S
        self._looked = now
        if is_first:
            self._is_hindering = strain is Strain.MUCH
            self._changing_since = None
        elif not self._would_change(strain):
            self._changing_since = None
        elif self._changing_since is None:
            self._changing_since = now
        elif now - self._changing_since >= self._needed():
            self._is_hindering = not self._is_hindering
            self._changing_since = None
        return self._is_hindering

    def _would_change(self, strain: Strain) -> bool:
        return strain is (Strain.NONE if self._is_hindering else Strain.MUCH)

    def _needed(self) -> float:
        return self.condition.gone if self._is_hindering else self.condition.lasts


def _strain_of(condition: Condition) -> Strain:
    try:
        return condition.strain()
    except (OSError, psutil.Error, ValueError) as error:  # what cannot be read hinders nobody
        _log.warning("the %s cannot be read: %s", condition.reason, error)
        return Strain.NONE
