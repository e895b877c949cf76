from __future__ import annotations

from typing import NamedTuple

import pytest

from mlx_backend.night.heat import mac_heat, sensors_heat
from mlx_backend.night.strain import Strain

NONE, SOME, MUCH = Strain.NONE, Strain.SOME, Strain.MUCH

SILENT = (
    "Note: No thermal warning level has been recorded\n"
    "Note: No performance warning level has been recorded\n"
    "Note: No CPU power status has been recorded\n"
)
LIMITS = (
    "2026-08-20 05:08:37 -0700 CPU Power notify\n"
    "\tCPU_Scheduler_Limit \t= 80\n\tCPU_Available_CPUs \t= 12\n\tCPU_Speed_Limit \t= {limit}\n"
)
WARNING = "2026-08-20 05:08:37 -0700 Thermal Warning Level = {level}\n"


@pytest.mark.parametrize(
    ("level", "strain"), [(0, NONE), (1, SOME), (2, MUCH), (3, MUCH), (4, MUCH)]
)
def test_thermal_pressure_of_apple_silicon(level: int, strain: Strain) -> None:
    assert mac_heat(f"com.apple.system.thermalpressurelevel {level}\n", SILENT) is strain


@pytest.mark.parametrize(("limit", "strain"), [(100, NONE), (95, SOME), (80, SOME), (62, MUCH)])
def test_speed_limit(limit: int, strain: Strain) -> None:
    assert mac_heat("", LIMITS.format(limit=limit)) is strain


@pytest.mark.parametrize(("level", "strain"), [(0, NONE), (1, MUCH), (2, MUCH)])
def test_warning_level(level: int, strain: Strain) -> None:
    assert mac_heat("", WARNING.format(level=level)) is strain


def test_the_worst_counts() -> None:
    pressure = "com.apple.system.thermalpressurelevel 0\n"
    assert mac_heat(pressure, SILENT + WARNING.format(level=1)) is MUCH


@pytest.mark.parametrize("output", ["", SILENT, "nonsense", "thermalpressurelevel x", "\0"])
def test_a_mac_that_says_nothing_is_not_hot(output: str) -> None:
    assert mac_heat(output, output) is NONE


class Reading(NamedTuple):
    label: str
    current: float
    high: float | None
    critical: float | None


@pytest.mark.parametrize(
    ("reading", "strain"),
    [
        (Reading("Package id 0", 62.0, 80.0, 100.0), NONE),
        (Reading("Package id 0", 88.0, 80.0, 100.0), SOME),
        (Reading("Package id 0", 95.0, 80.0, 100.0), MUCH),
        (Reading("Tctl", 99.0, None, None), NONE),
        (Reading("Composite", 80.0, 81.8, None), MUCH),
        (Reading("Sensor 1", 55.9, 65261.8, None), NONE),
        (Reading("Sensor 1", 80.0, 84.8, 65261.8), MUCH),
        (Reading("acpitz", 27.8, 119.0, 0.0), NONE),
        (Reading("broken", float("nan"), 80.0, 100.0), NONE),
    ],
)
def test_sensors_are_measured_by_their_own_limits(reading: Reading, strain: Strain) -> None:
    assert sensors_heat({"chip": [reading]}) is strain


def test_the_hottest_sensor_counts() -> None:
    cool, hot = Reading("", 30.0, 80.0, 100.0), Reading("", 99.0, 80.0, 100.0)
    assert sensors_heat({"a": [cool], "b": [cool, hot]}) is MUCH
    assert sensors_heat({}) is NONE
