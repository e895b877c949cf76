"""How many processor cores may be used, and how many of them a computation on the CPU takes.

OpenBLAS's threads wait for each other without sleeping. With more threads than cores, or with a
second busy process on the same cores, a training step takes ten times as long. So there are never
more threads than cores that this process may use, and all of these are taken only while other
processes leave them free.

OpenBLAS adds up the edges of a matrix product in another order when it splits the product into
other parts, so the last bits of a result depend on the number of threads. A run must end with the
same bits however often it is interrupted: it takes the cores that are free when it begins, and
keeps their number.
"""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass

import psutil

from mlx_backend.machine.cgroup import quota_cores

FIXED_CORES = "OVERNIGHT_CORES"

# When other processes keep more cores busy than this, they are left half of the cores.
_OTHERS_BUSY = 0.3
_LOOK_S = 1.0


def usable_cores() -> int:
    """How many cores this process may use, at least 1.

    The smallest of: the cores of the machine, those that the process is pinned to, the quota of
    its control group (containers), and OVERNIGHT_CORES.
    """
    return min(available_cores(), fixed_cores() or os.cpu_count() or 1)


def available_cores() -> int:
    """How many cores the system gives this process, whatever OVERNIGHT_CORES says."""
    limits = [os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        limits.append(len(os.sched_getaffinity(0)))
    quota = quota_cores()
    if quota is not None:
        limits.append(quota)
    return max(1, min(limits))


def fixed_cores() -> int:
    """The number that OVERNIGHT_CORES names; 0 where it names none."""
    chosen = os.environ.get(FIXED_CORES, "")
    return int(chosen) if _is_number(chosen) else 0


def fix_cores(number: int) -> None:
    """From now on this process and its children use this many cores, unless OVERNIGHT_CORES is set.

    OpenBLAS has one number of threads for a whole process, so an environment variable will do.
    """
    os.environ.setdefault(FIXED_CORES, str(number))


def limit_thread_pools() -> None:
    """Let NumPy's OpenBLAS and the tokenizers start no more threads than cores may be used.

    They read these variables when they start their first thread. A lower number that is set stays.
    """
    for variable in ("OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        chosen = os.environ.get(variable, "")
        limit = usable_cores()
        os.environ[variable] = str(min(int(chosen), limit) if _is_number(chosen) else limit)


def _is_number(text: str) -> bool:
    return text.isdecimal() and int(text) > 0


@dataclass(frozen=True)
class CoreTimes:
    """A reading of three clocks, in seconds.

    clock: monotonic time; busy: time that all cores of the machine have worked since it started,
    summed over the cores; own: the part of it that was spent on this process.
    """

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
    """All `cores` if other processes left them alone between two readings, else half of them."""
    elapsed = now.clock - before.clock
    if elapsed <= 0:
        return max(1, cores // 2)
    others = ((now.busy - before.busy) - (now.own - before.own)) / elapsed
    return cores if others < _OTHERS_BUSY else max(1, cores // 2)


def free_cores() -> int:
    """How many cores may be taken now; takes a second to find out."""
    before = CoreTimes.now()
    time.sleep(_LOOK_S)
    return threads_to_take(usable_cores(), before, CoreTimes.now())


class CoreShare:
    """Sets OpenBLAS's number of threads before each step; without OpenBLAS it does nothing.

    It begins with all usable cores, so that a resumed run's first steps have the same number of
    threads as before.
    """

    def __init__(self) -> None:
        self._set_threads = getattr(ctypes.CDLL(None), "openblas_set_num_threads", None)
        self._cores = usable_cores()
        self._is_fixed = fixed_cores() > 0
        self._before = CoreTimes.now()
        if self._set_threads is not None:
            self._set_threads(self._cores)

    def adapt(self) -> None:
        """Take as many cores as were free since the last call; a fixed number stays."""
        if self._set_threads is None or self._is_fixed:
            return
        now = CoreTimes.now()
        if now.clock - self._before.clock < 1.0:  # too short to tell
            return
        self._set_threads(threads_to_take(self._cores, self._before, now))
        self._before = now
