"""How much memory is free, and whether the system killed processes because it ran out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import psutil

_SHORT_SHARE = 0.05
_OOM_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class MemoryLook:
    """Memory at one moment: bytes free, bytes in all, and processes that were killed so far."""

    available: int
    total: int
    kills: int = 0

    @property
    def is_short(self) -> bool:
        """Whether so little was free that the system may begin to kill processes."""
        return self.available < _SHORT_SHARE * self.total


def look_at_memory() -> MemoryLook:
    """The memory now. `kills` is counted on Linux only; a Mac does not report them."""
    memory = psutil.virtual_memory()
    return MemoryLook(memory.available, memory.total, oom_kills(Path("/")))


def ran_out(before: MemoryLook, last: MemoryLook, after: MemoryLook) -> bool:
    """Whether memory ran out between `before` and `after`; `last` was just before the end."""
    return after.kills > before.kills or last.is_short


def oom_kills(root: Path) -> int:
    """How many processes the kernel killed to free memory: in our group, else on the machine.

    Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.events), and the counter
    of the same name in /proc/vmstat.
    """
    for path in (root / "sys/fs/cgroup" / _own_group(root) / "memory.events", root / "proc/vmstat"):
        try:
            found = _OOM_KILLS.search(path.read_text())
        except OSError:
            continue
        if found:
            return int(found[1])
    return 0


def _own_group(root: Path) -> str:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return ""
    own = next((line for line in lines if line.startswith("0::")), "0::/")
    return own.removeprefix("0::").strip("/")
