from __future__ import annotations

from dataclasses import dataclass

import pytest

from mlx_backend.night.energy import EnergyMeter, gauges_of_this_machine
from mlx_backend.night.gauges import PowerGauge


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def steady(watts: float, name: str) -> PowerGauge:
    return PowerGauge(lambda: watts, lambda: name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> EnergyMeter:
    return EnergyMeter([steady(60, "one gauge"), steady(30, "another")], clock)


def test_only_the_time_of_the_work_counts(meter: EnergyMeter, clock: Clock) -> None:
    clock.now = 5000
    with meter.measuring():
        clock.now += 3600
    clock.now += 9000
    with meter.measuring():
        clock.now += 1800
    clock.now += 9000
    watt_hours, how = meter.used()
    assert watt_hours == pytest.approx(135.0)
    assert how == "One gauge and another"


def test_it_can_be_asked_in_between(meter: EnergyMeter, clock: Clock) -> None:
    assert meter.used()[0] == 0
    with meter.measuring():
        clock.now += 1200
        assert meter.used()[0] == pytest.approx(30.0)
        clock.now += 1200
    assert meter.used()[0] == pytest.approx(60.0)


def test_looks_follow_a_load_that_changes(clock: Clock) -> None:
    meter = EnergyMeter([PowerGauge(lambda: 100 if clock.now < 1800 else 10, str)], clock)
    with meter.measuring():
        for _ in range(3600 // 5):
            clock.now += 5
            meter.look()
    assert meter.used()[0] == pytest.approx(55.0, rel=0.01)


def test_looks_outside_of_the_work_count_nothing(meter: EnergyMeter, clock: Clock) -> None:
    meter.look()
    clock.now += 100
    meter.look()
    assert meter.used()[0] == 0


def test_what_was_used_counts_also_after_a_failure(meter: EnergyMeter, clock: Clock) -> None:
    def fail() -> None:
        with meter.measuring():
            clock.now += 3600
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        fail()
    assert meter.used()[0] == pytest.approx(90.0)


def test_this_machine_has_a_gauge_and_says_which() -> None:
    meter = EnergyMeter(gauges_of_this_machine())
    with meter.measuring():
        pass
    watt_hours, how = meter.used()
    assert watt_hours >= 0
    assert how
