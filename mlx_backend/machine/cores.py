"""How many cores the training computes on where MLX has no GPU: all of them, while nobody minds.

OpenBLAS's threads wait for each other without sleeping. With a second busy process on the same
cores a step takes ten times as long, so that all cores are taken only while they are free.

OpenBLAS sums the edges of a product in another order when it splits it into other parts, so that
the last bits of a result depend on the number of threads. A training must end with the same bits
however often it is interrupted: it takes the cores that are free when it begins, and keeps to their
number.
"""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass

import psutil

FIXED_CORES = "OVERNIGHT_CORES"

# Cores kept busy by other processes, from which on half of the cores are left to them.
_OTHERS_BUSY = 0.3
_LOOK_S = 1.0


@dataclass(frozen=True)
class CoreTimes:
    """Seconds of a clock, of all cores at work since the start, and of this process on them."""

    clock: float
    busy: float
    own: float

    @classmethod
    def now(cls) -> CoreTimes:
        """A reading of this machine."""
        times = psutil.cpu_times()
        busy = times.user + times.system + getattr(times, "nice", 0.0)
        return cls(time.monotonic(), busy, time.process_time())


def threads_to_take(cores: int, before: CoreTimes, now: CoreTimes) -> int:
    """All cores where other processes left them alone between two readings, else half of them."""
    elapsed = now.clock - before.clock
    if elapsed <= 0:
        return max(1, cores // 2)
    others = ((now.busy - before.busy) - (now.own - before.own)) / elapsed
    return cores if others < _OTHERS_BUSY else max(1, cores // 2)


def free_cores() -> int:
    """How many cores may be taken now; looks on for a second."""
    before = CoreTimes.now()
    time.sleep(_LOOK_S)
    return threads_to_take(os.cpu_count() or 1, before, CoreTimes.now())


def fix_cores(number: int) -> None:
    """From now on this process and its children compute on so many, unless it was told otherwise.

    OpenBLAS knows one number for a whole process, so this is its environment's, too.
    """
    os.environ.setdefault(FIXED_CORES, str(number))


def fixed_cores() -> int:
    """The number that OVERNIGHT_CORES names; 0 where they are to be shared."""
    chosen = os.environ.get(FIXED_CORES, "")
    return int(chosen) if chosen.isdecimal() else 0


class CoreShare:
    """Sets OpenBLAS's threads before each step; without OpenBLAS it does nothing.

    It begins with all cores, so that a resumed run's first steps have what they had before.
    """

    def __init__(self) -> None:
        self._set_threads = getattr(ctypes.CDLL(None), "openblas_set_num_threads", None)
        self._fixed = fixed_cores()
        self._before = CoreTimes.now()
        if self._set_threads is not None:
            self._set_threads(self._fixed or os.cpu_count() or 1)

    def adapt(self) -> None:
        """Take as many cores as were free since the last call."""
        if self._set_threads is None or self._fixed:
            return
        now = CoreTimes.now()
        if now.clock - self._before.clock < 1.0:  # too short to tell from
            return
        self._set_threads(threads_to_take(os.cpu_count() or 1, self._before, now))
        self._before = now
