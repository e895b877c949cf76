from __future__ import annotations

import plistlib
from collections.abc import Sequence

import pytest

from mlx_backend.night.power import MacPower, assumed_watts, battery_watts, graphics_watts


def archive(**fields: object) -> str:
    """As `ioreg -a -r -n AppleSmartBattery` writes it."""
    entry = {"CycleCount": 142, "BatteryInstalled": True, "DeviceName": "bq20z451"} | fields
    return plistlib.dumps([entry]).decode()


DISCHARGING = archive(
    ExternalConnected=False,
    Voltage=11_974,
    Amperage=18446744073709550563,
    InstantAmperage=18446744073709550524,
)
CHARGING = archive(ExternalConnected=True, Voltage=12_500, InstantAmperage=2465)
TELEMETRY = archive(
    ExternalConnected=True,
    Voltage=12_500,
    InstantAmperage=2465,
    PowerTelemetryData={"SystemPowerIn": 41_000, "SystemLoad": 23_456, "BatteryPower": 0},
)


def test_a_battery_that_drives_the_mac_tells_its_power() -> None:
    assert battery_watts(DISCHARGING) == pytest.approx(1092 * 11_974 / 1e6)


def test_newer_macs_tell_what_the_system_takes_also_on_mains() -> None:
    assert battery_watts(TELEMETRY) == pytest.approx(23.456)


def test_current_and_voltage_say_nothing_while_it_charges() -> None:
    assert battery_watts(CHARGING) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "<plist",
        plistlib.dumps([]).decode(),
        plistlib.dumps({}).decode(),
        plistlib.dumps(["text"]).decode(),
        archive(),
        archive(ExternalConnected=False, Voltage="12", InstantAmperage=-900),
        archive(ExternalConnected=False, Voltage=12_000, InstantAmperage=0),
        archive(ExternalConnected=False, Voltage=12_000, InstantAmperage=-(10**9)),
        archive(PowerTelemetryData={"SystemLoad": 0}),
        archive(PowerTelemetryData={"SystemLoad": 18446744073709550563}),
        archive(PowerTelemetryData="odd"),
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><plist><string>&a;</string></plist>',
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_makes_no_sense_is_no_figure(text: str) -> None:
    assert battery_watts(text) is None


@pytest.mark.parametrize(
    ("chip", "stated"),
    [
        ("Apple M1\n", 39),
        ("Apple M2 Pro\n", 100),
        ("Apple M1 Ultra", 215),
        ("Apple M9", 65),
        ("Apple M9 Ultra", 295),
        ("", 65),
        ("Intel(R) Core(TM) i7", 65),
    ],
)
def test_what_is_assumed_follows_from_what_apple_states(chip: str, stated: float) -> None:
    assert assumed_watts(chip) == pytest.approx(stated * 2 / 3)


class Mac:
    """Answers like a Mac with an M2 Pro; without a battery its gauge says nothing."""

    def __init__(self, *registry: str) -> None:
        self._registry = iter(registry)

    def __call__(self, command: Sequence[str]) -> str:
        return "Apple M2 Pro\n" if "sysctl" in command[0] else next(self._registry)


def test_a_mac_says_how_it_knows() -> None:
    gauged = MacPower(Mac(DISCHARGING))
    gauged.watts()
    assert gauged.how() == "the Mac's own gauge"
    mini = MacPower(Mac(""))
    assert mini.watts() == pytest.approx(66.7, abs=0.1)
    assert mini.how() == "assumed 67 W, usual for this Mac under load"
    both = MacPower(Mac(CHARGING, DISCHARGING))
    both.watts()
    both.watts()
    assert "own gauge" in both.how()
    assert "assumed 67 W" in both.how()


@pytest.mark.parametrize(
    ("answer", "watts"),
    [
        ("698.12\n", 698.12),
        ("[N/A]\n", None),
        ("", None),
        ("nan", None),
        ("-3", None),
        ("1e9", None),
    ],
)
def test_graphics_cards(answer: str, watts: float | None) -> None:
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str]) -> str:
        asked.append(command)
        return answer

    assert graphics_watts("3", ask) == watts
    assert asked[0][-1] == "3"
