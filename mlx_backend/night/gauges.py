"""Gauges of energy: meters of the machine, and estimates where it has none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

_POWERCAP = Path("/sys/class/powercap")
_COUNTED_ZONES = ("package", "dram")
_MICROJOULES = 1e6

WATTS_PER_CORE = 3.5
"""The power of a fully busy core (watts), the mean of processors in data centres.

Source: https://www.cloudcarbonfootprint.org/docs/methodology.
"""


class Gauge(Protocol):
    """Something that measures or estimates energy."""

    @property
    def how(self) -> str:
        """How it measures or estimates, in words for the person."""

    def begin(self) -> None:
        """Count from now on."""

    def joules(self, seconds: float, /) -> float:
        """The energy (joules) since `begin` or the last call, `seconds` ago."""


class ProcessorMeter:
    """The processor's own meter (RAPL). On many Linux systems only root may read it.

    Source: https://docs.kernel.org/power/powercap/powercap.html.
    """

    how = "the processor's own meter"

    def __init__(self, zones: Iterable[Path]) -> None:
        self._last = dict.fromkeys(zones, 0)

    @classmethod
    def find(cls, powercap: Path = _POWERCAP) -> ProcessorMeter | None:
        """The meter of this machine; None when there is none that may be read."""
        zones = []
        for zone in sorted(powercap.glob("intel-rapl:*")):
            with suppress(OSError, ValueError):
                if (zone / "name").read_text().startswith(_COUNTED_ZONES):
                    _number(zone / "energy_uj")
                    zones.append(zone)
        return cls(zones) if zones else None

    def begin(self) -> None:
        """Count from now on."""
        self._differences()

    def joules(self, _seconds: float, /) -> float:
        """The energy (joules) since the last call.

        Correct if the counter overflowed at most once since, which takes twenty minutes.
        """
        return sum(self._differences()) / _MICROJOULES

    def _differences(self) -> list[int]:
        found = []
        for zone, last in self._last.items():
            with suppress(OSError, ValueError):
                now = _number(zone / "energy_uj")
                turned = _number(zone / "max_energy_range_uj") if now < last else 0
                self._last[zone] = now
                found.append(now + turned - last)
        return found


class PowerGauge:
    """A gauge that shows watts at this moment; between two readings their mean is assumed.

    `watts` gives None while the power is unknown.
    """

    def __init__(self, watts: Callable[[], float | None], how: Callable[[], str]) -> None:
        self._watts = watts
        self._how = how
        self._last: float | None = None

    @property
    def how(self) -> str:
        """How it measures or estimates, in words for the person."""
        return self._how()

    def begin(self) -> None:
        """Count from now on."""
        self._last = self._watts()

    def joules(self, seconds: float, /) -> float:
        """The energy (joules) since the last call."""
        shown = [watts for watts in (self._last, self._watts()) if watts is not None]
        self._last = shown[-1] if shown else None
        return seconds * sum(shown) / len(shown) if shown else 0.0


class ProcessorTime:
    """An estimate without a meter: from the processor time of this process and its descendants."""

    how = f"estimated from the processor's time, {WATTS_PER_CORE} W for a busy core"

    def __init__(self, seconds: Callable[[], float] | None = None) -> None:
        self._seconds = seconds or busy_seconds
        self._last = 0.0

    def begin(self) -> None:
        """Count from now on."""
        self._last = self._seconds()

    def joules(self, _seconds: float, /) -> float:
        """The energy (joules) since the last call."""
        # A process that ended is missing for a moment, so the sum may seem to shrink.
        now = max(self._last, self._seconds())
        spent, self._last = now - self._last, now
        return spent * WATTS_PER_CORE


def busy_seconds() -> float:
    """Processor seconds of this process and its descendants, including those that have ended."""
    own = os.times()
    total = own.user + own.system + own.children_user + own.children_system
    return total + sum(_seconds_of_descendants())


def _seconds_of_descendants() -> Iterator[float]:
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            times = process.cpu_times()
            yield times.user + times.system


def _number(path: Path) -> int:
    return int(path.read_text())
