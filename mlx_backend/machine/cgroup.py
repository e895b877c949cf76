"""The processor quota that Linux control groups put on this process, as containers do.

Version 2 writes "quota period" in microseconds to `cpu.max`, version 1 to two files
(https://docs.kernel.org/admin-guide/cgroup-v2.html, .../scheduler/sched-bwc.html). A group's quota
also holds for the groups below it, so the smallest one on the way to the root counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def quota_cores(root: Path = Path("/")) -> int | None:
    """The cores that the quota amounts to, rounded up; None where there is no quota.

    `root` is the folder that holds `proc` and `sys`.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None  # not Linux
    quotas = [quota for line in lines.splitlines() for quota in _quotas(root, line)]
    return max(1, math.ceil(min(quotas))) if quotas else None


def _quotas(root: Path, line: str) -> Iterator[float]:
    """The quotas, in cores, of a group named by a line of `/proc/self/cgroup` and of its parents.

    Such a line is "0::/group" in version 2 and "4:cpu,cpuacct:/group" in version 1.
    """
    _, _, rest = line.partition(":")
    controllers, _, name = rest.partition(":")
    group = PurePosixPath("/", name).relative_to("/")
    for folder in (group, *group.parents):
        if not controllers:
            yield from _cores_in(root / "sys/fs/cgroup" / folder / "cpu.max")
        elif "cpu" in controllers.split(","):
            v1 = root / "sys/fs/cgroup/cpu" / folder
            yield from _cores_in(v1 / "cpu.cfs_quota_us", v1 / "cpu.cfs_period_us")


def _cores_in(*files: Path) -> Iterator[float]:
    """Quota divided by period; nothing where there is no limit ("max" or -1) or no such file."""
    try:
        quota, period = " ".join(file.read_text(encoding="ascii") for file in files).split()
        cores = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return
    if cores > 0:
        yield cores
