"""Whether the machine runs on its battery."""

from __future__ import annotations

import re
import sys

import psutil

from mlx_backend.night.strain import Strain
from mlx_backend.night.system_tools import Ask, answer_of

_PMSET = ("/usr/bin/pmset", "-g", "batt")
_SOURCE = re.compile(r"Now drawing from '([^']+)'")


def battery_strain(ask: Ask = answer_of) -> Strain:
    """MUCH while the machine runs on a battery; NONE on mains, without one, or when unknown."""
    if sys.platform == "darwin":
        on_battery = pmset_says_battery(ask(_PMSET))
    else:
        on_battery = _psutil_says_battery()
    return Strain.MUCH if on_battery else Strain.NONE


def pmset_says_battery(output: str) -> bool:
    """Read `pmset -g batt`: a battery of the Mac's own, or one in front of it, is in use."""
    source = _SOURCE.search(output)
    return source is not None and source[1] in ("Battery Power", "UPS Power")


def _psutil_says_battery() -> bool:
    battery = psutil.sensors_battery()
    return battery is not None and battery.power_plugged is False
