"""Whether memory is so short that other programs suffer."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import psutil

from mlx_backend.night.strain import Strain
from mlx_backend.night.system_tools import Ask, answer_of

_SYSCTL = ("/usr/sbin/sysctl", "-n", "kern.memorystatus_vm_pressure_level")
_LINUX_PRESSURE = Path("/proc/pressure/memory")

# What a Mac answers: 1 normal, 2 warning, 4 critical.
_MAC_LEVELS = {1: Strain.NONE, 2: Strain.SOME, 4: Strain.MUCH}

# Percent of the last ten seconds in which all programs stalled, waiting for memory.
_STALLED = re.compile(r"^full avg10=(\d+(?:\.\d+)?)", re.MULTILINE)
_MANY_STALLS = 20.0
_FEW_STALLS = 1.0

_SHORT_SHARE = 0.03
_ENOUGH_SHARE = 0.1


def memory_strain(ask: Ask = answer_of, linux_pressure: Path = _LINUX_PRESSURE) -> Strain:
    """How short memory is: as the system reports it, or else judged by what is free."""
    if sys.platform == "darwin":
        return mac_pressure(ask(_SYSCTL))
    memory = psutil.virtual_memory()
    free = share_free(memory.available, memory.total)
    try:
        return max(free, linux_stalls(linux_pressure.read_text()))
    except OSError:
        return free


def mac_pressure(output: str) -> Strain:
    """Read the level that `sysctl` prints; NONE for an unknown one."""
    text = output.strip()
    return _MAC_LEVELS.get(int(text), Strain.NONE) if text.isdecimal() else Strain.NONE


def linux_stalls(text: str) -> Strain:
    """Read /proc/pressure/memory.

    Source: https://docs.kernel.org/accounting/psi.html.
    """
    found = _STALLED.search(text)
    if found is None:
        return Strain.NONE
    stalled = float(found[1])
    if stalled >= _MANY_STALLS:
        return Strain.MUCH
    return Strain.SOME if stalled >= _FEW_STALLS else Strain.NONE


def share_free(available: int, total: int) -> Strain:
    """Judge by how many of all bytes are free."""
    if available < _SHORT_SHARE * total:
        return Strain.MUCH
    return Strain.SOME if available < _ENOUGH_SHARE * total else Strain.NONE
