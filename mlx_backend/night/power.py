"""The power (watts) at this moment, as graphics cards and Macs report it without root rights."""

from __future__ import annotations

import plistlib
import re
from typing import Any
from xml.parsers.expat import ExpatError

from mlx_backend.night.system_tools import Ask, answer_of

_IOREG = ("/usr/sbin/ioreg", "-a", "-r", "-n", "AppleSmartBattery")
_CHIP = ("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string")
_NVIDIA = ("nvidia-smi", "--query-gpu=power.draw", "--format=csv,noheader,nounits", "--id")

_SENSIBLE_WATTS = 2_000.0
_SIGN_64 = 1 << 63

# The most (watts at the wall) that Apple states for a Mac with this chip:
# https://support.apple.com/102027 and https://support.apple.com/103253.
_STATED_WATTS = {
    "M1": 39,
    "M1 Max": 115,
    "M1 Ultra": 215,
    "M2": 50,
    "M2 Pro": 100,
    "M2 Max": 145,
    "M2 Ultra": 295,
    "M4": 65,
}
# For chips that are not listed: the newest that is, of the same size.
_STATED_BY_SIZE = {"": 65, "Pro": 100, "Max": 145, "Ultra": 295}
# Under everyday load a Mac takes about this share of the stated power:
# https://www.servethehome.com/the-apple-mac-mini-m4-sets-the-mini-computer-standard/3/.
_SHARE_UNDER_LOAD = 2 / 3
_CHIP_NAME = re.compile(r"Apple (M\d+)(?: (Pro|Max|Ultra))?\s*$")


def graphics_watts(device: str, ask: Ask = answer_of) -> float | None:
    """The power of an NVIDIA card now (watts); None when it does not report it."""
    text = ask((*_NVIDIA, device)).strip()
    try:
        return _sensible(float(text))
    except ValueError:  # "[N/A]", or nothing
        return None


class MacPower:
    """The power of a whole Mac: measured by its battery controller, else assumed."""

    def __init__(self, ask: Ask = answer_of) -> None:
        self._ask = ask
        self._chip = ask(_CHIP)
        self._gauged = False
        self._assumed = False

    def watts(self) -> float:
        """The power now (watts)."""
        gauged = battery_watts(self._ask(_IOREG))
        if gauged is not None:
            self._gauged = True
            return gauged
        self._assumed = True
        return assumed_watts(self._chip)

    def how(self) -> str:
        """How it is known, in words for the person."""
        assumption = f"assumed {assumed_watts(self._chip):.0f} W, usual for this Mac under load"
        gauge = "the Mac's own gauge"
        if not self._assumed:
            return gauge
        return f"in part {gauge}, in part {assumption}" if self._gauged else assumption


def battery_watts(archive: str) -> float | None:
    """Read the battery controller from the output of `ioreg -a`; None without a usable figure.

    Newer Macs report the power of the whole system (mW); others only current and voltage of the
    battery (mA, mV), whose product is the same while they run on it.
    """
    entry = _first_entry(archive)
    telemetry = entry.get("PowerTelemetryData")
    load = _signed(telemetry.get("SystemLoad")) if isinstance(telemetry, dict) else None
    if load is not None and load > 0:
        return _sensible(load / 1e3)
    current = _signed(entry.get("InstantAmperage", entry.get("Amperage")))
    voltage = _signed(entry.get("Voltage"))
    if current is None or voltage is None or entry.get("ExternalConnected"):
        return None
    return _sensible(-current * voltage / 1e6)


def assumed_watts(chip: str) -> float:
    """The power (watts) that a Mac with this chip is likely to take while it trains."""
    name = _CHIP_NAME.search(chip)
    if name is None:
        return _STATED_BY_SIZE[""] * _SHARE_UNDER_LOAD
    size = name[2] or ""
    stated = _STATED_WATTS.get(f"{name[1]} {size}".strip(), _STATED_BY_SIZE[size])
    return stated * _SHARE_UNDER_LOAD


def _first_entry(archive: str) -> dict[str, Any]:
    try:
        entries = plistlib.loads(archive.encode(), fmt=plistlib.FMT_XML)
    except (plistlib.InvalidFileException, ExpatError, ValueError, KeyError, IndexError):
        return {}
    first = entries[0] if isinstance(entries, list) and entries else None
    return first if isinstance(first, dict) else {}


def _signed(value: object) -> int | None:
    """An integer that the registry may show as unsigned."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value - 2 * _SIGN_64 if value >= _SIGN_64 else value


def _sensible(watts: float) -> float | None:
    return watts if 0 < watts < _SENSIBLE_WATTS else None
