"""Conditions of the machine under which a run waits: battery power, heat, too little memory.

A condition must last a while before it stops a run, and be gone for a while before the run goes on,
so that a plug pulled for a moment, or a minute of heat, does not interrupt it.
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

_FORGOTTEN_S = 90.0  # after so long without a look, earlier looks count no more

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Condition:
    """A reason to wait.

    It stops a run after it lasted `lasts` seconds; after `gone` seconds without it the run goes on.
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
    """The conditions under which the person wants a run to wait."""
    chosen = (
        (patience.on_battery, BATTERY),
        (patience.when_hot, HEAT),
        (patience.when_memory_is_short, MEMORY),
    )
    return [condition for wanted, condition in chosen if wanted]


class Lookout:
    """Watches conditions. `clock` gives seconds."""

    def __init__(
        self, conditions: Sequence[Condition], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._held = [_Held(condition) for condition in conditions]
        self._clock = clock

    def obstacle(self) -> Waiting | None:
        """Look now; the first reason to wait, None when the run may go on."""
        now = self._clock()
        waits = [held.condition for held in self._held if held.look(now)]
        return Waiting(reason=waits[0].reason, text=waits[0].text) if waits else None


class _Held:
    """One condition, and since when it has been changing."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self._stops = False
        self._changing_since: float | None = None
        self._looked = float("-inf")

    def look(self, now: float) -> bool:
        """Whether a run has to wait; the first look after a long time takes effect at once."""
        strain = _strain_of(self.condition)
        is_first = now - self._looked > _FORGOTTEN_S
        self._looked = now
        if is_first:
            self._stops = strain is Strain.MUCH
            self._changing_since = None
        elif not self._would_change(strain):
            self._changing_since = None
        elif self._changing_since is None:
            self._changing_since = now
        elif now - self._changing_since >= self._needed():
            self._stops = not self._stops
            self._changing_since = None
        return self._stops

    def _would_change(self, strain: Strain) -> bool:
        return strain is (Strain.NONE if self._stops else Strain.MUCH)

    def _needed(self) -> float:
        return self.condition.gone if self._stops else self.condition.lasts


def _strain_of(condition: Condition) -> Strain:
    try:
        return condition.strain()
    except (
        OSError,
        psutil.Error,
        ValueError,
    ) as error:  # a condition that cannot be read stops no run
        _log.warning("the %s cannot be read: %s", condition.reason, error)
        return Strain.NONE
