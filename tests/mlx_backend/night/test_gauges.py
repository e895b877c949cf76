from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlx_backend.night.gauges import (
    WATTS_PER_CORE,
    PowerGauge,
    ProcessorMeter,
    ProcessorTime,
    busy_seconds,
)

TURN = 262_143_328_850


def write_zone(powercap: Path, zone: str, name: str, microjoules: int) -> Path:
    folder = powercap / zone
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{TURN}\n")
    return folder / "energy_uj"


def test_packages_and_memory_are_counted_and_nothing_twice(tmp_path: Path) -> None:
    counted = [
        write_zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000),
        write_zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000),
        write_zone(tmp_path, "intel-rapl:0:1", "dram", 1_000_000),
    ]
    for zone, name in [("intel-rapl:0:0", "core"), ("intel-rapl:2", "psys")]:
        counted.append(write_zone(tmp_path, zone, name, 0))
    write_zone(tmp_path, "intel-rapl-mmio:0", "package-0", 0)
    meter = ProcessorMeter.find(tmp_path)
    assert meter is not None
    meter.begin()
    for path in counted:
        path.write_text(str(int(path.read_text()) + 2_000_000))
    assert meter.joules(10) == pytest.approx(6.0)
    assert meter.joules(10) == 0


def test_a_counter_that_turns_over_counts_on(tmp_path: Path) -> None:
    path = write_zone(tmp_path, "intel-rapl:0", "package-0", TURN - 1_000_000)
    meter = ProcessorMeter.find(tmp_path)
    assert meter is not None
    meter.begin()
    path.write_text("3000000")
    assert meter.joules(60) == pytest.approx(4.0)


@pytest.mark.parametrize("text", ["", "x", "\0"])
def test_a_meter_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    assert ProcessorMeter.find(tmp_path / "missing") is None
    write_zone(tmp_path, "intel-rapl:0", "package-0", 0).write_text(text)
    assert ProcessorMeter.find(tmp_path) is None


def test_a_meter_that_is_closed_later_counts_nothing(tmp_path: Path) -> None:
    path = write_zone(tmp_path, "intel-rapl:0", "package-0", 0)
    meter = ProcessorMeter.find(tmp_path)
    assert meter is not None
    meter.begin()
    path.unlink()
    assert meter.joules(60) == 0


def test_between_two_looks_the_mean_counts() -> None:
    shown = iter([100.0, 200.0, None, 50.0])
    gauge = PowerGauge(lambda: next(shown), lambda: "a test")
    gauge.begin()
    assert [gauge.joules(10) for _ in range(3)] == [1500.0, 2000.0, 1250.0]


def test_a_gauge_that_knows_nothing_counts_nothing() -> None:
    gauge = PowerGauge(lambda: None, lambda: "a test")
    gauge.begin()
    assert gauge.joules(10) == 0


def test_processor_time_never_runs_backwards() -> None:
    seconds = iter([10.0, 14.0, 12.0, 15.0])
    gauge = ProcessorTime(lambda: next(seconds))
    gauge.begin()
    spent = [gauge.joules(60) / WATTS_PER_CORE for _ in range(3)]
    assert spent == [4.0, 0.0, 1.0]


def test_own_processor_time_is_counted() -> None:
    before = busy_seconds()
    began = os.times().user
    while os.times().user - began < 0.05:
        sum(range(10_000))
    assert busy_seconds() - before >= 0.04
