"""Whether the machine is too hot to go on, by its own thresholds."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Protocol

import psutil

from mlx_backend.night.strain import Strain
from mlx_backend.night.system_tools import Ask, answer_of

_PRESSURE = ("/usr/bin/notifyutil", "-g", "com.apple.system.thermalpressurelevel")
_PMSET = ("/usr/bin/pmset", "-g", "therm")

_PRESSURE_LEVEL = re.compile(r"thermalpressurelevel\s+(\d+)")
_SPEED_LIMIT = re.compile(r"CPU_Speed_Limit\s*=\s*(\d+)")
_WARNING_LEVEL = re.compile(r"Thermal Warning Level\s*[=:]\s*(\d+)", re.IGNORECASE)

# OSThermalPressureLevel of a Mac: 0 nominal, 1 moderate, 2 heavy, 3 trapping, 4 sleeping.
_HEAVY = 2
# A processor throttled below this percentage of its speed needs a rest.
_SLOWED = 80
_FULL_SPEED = 100

_NEAR_C = 5.0  # too hot: this close to the limit of the sensor
_COOL_C = 15.0  # cool again: this far below it
_SENSIBLE_LIMIT_C = (40.0, 130.0)  # some drives state a limit of 65,261 degrees


class Sensor(Protocol):
    """A reading of psutil in degrees Celsius, with the limits that the sensor states, if any."""

    @property
    def current(self) -> float: ...
    @property
    def high(self) -> float | None: ...
    @property
    def critical(self) -> float | None: ...


def heat_strain(ask: Ask = answer_of) -> Strain:
    """How hot the machine reports to be; NONE where it reports nothing."""
    if sys.platform == "darwin":
        return mac_heat(ask(_PRESSURE), ask(_PMSET))
    return sensors_heat(psutil.sensors_temperatures())


def mac_heat(pressure: str, pmset: str) -> Strain:
    """Read the outputs of `notifyutil -g` (thermal pressure on Apple silicon) and `pmset`."""
    levels = [
        _strain(int(level[1]), some=1, much=_HEAVY)
        for level in (_PRESSURE_LEVEL.search(pressure),)
        if level
    ]
    levels += [_strain(int(level), some=1, much=1) for level in _WARNING_LEVEL.findall(pmset)]
    levels += [
        _strain(_FULL_SPEED - int(limit), some=1, much=_FULL_SPEED - _SLOWED + 1)
        for limit in _SPEED_LIMIT.findall(pmset)
    ]
    return max(levels, default=Strain.NONE)


def sensors_heat(sensors: Mapping[str, Iterable[Sensor]]) -> Strain:
    """The strain of the hottest sensor, among those that state a limit."""
    return max((_sensor(each) for group in sensors.values() for each in group), default=Strain.NONE)


def _sensor(sensor: Sensor) -> Strain:
    stated = [limit for limit in (sensor.critical, sensor.high) if limit is not None]
    limit = next((each for each in stated if _is_sensible(each)), None)
    if limit is None:
        return Strain.NONE
    return _strain(sensor.current - limit, some=-_COOL_C, much=-_NEAR_C)


def _is_sensible(limit: float) -> bool:
    least, most = _SENSIBLE_LIMIT_C
    return least <= limit <= most


def _strain(value: float, some: float, much: float) -> Strain:
    if value >= much:
        return Strain.MUCH
    return Strain.SOME if value >= some else Strain.NONE
