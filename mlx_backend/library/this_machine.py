"""What counts of a machine for a model: its memory, and whether MLX computes on a GPU there.

No MLX here: the window asks, too.
"""

from __future__ import annotations

import functools
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

NEARLY_ALL = 0.9
"""The share of a machine's memory that a training may have: the system needs the rest."""

# What Metal recommends as the working set of a Mac: two thirds of its memory up to 32 GB, else
# three quarters (`max_recommended_working_set_size`, as reported for many Macs).
_SMALL_MAC = 33 << 30
_SMALL_SHARE, _LARGE_SHARE = 2 / 3, 3 / 4
_CUDA_PACKAGES = ("mlx-cuda-13", "mlx-cuda-12", "mlx-cuda")
_CUDA_DEVICE = Path("/dev/nvidiactl")


@dataclass(frozen=True)
class Machine:
    """A machine's memory in bytes, and whether MLX computes on a GPU there.

    A Mac's GPU has the same memory. A card with memory of its own is taken to have as much.
    """

    memory_bytes: int
    has_gpu: bool

    @classmethod
    def here(cls) -> Machine:
        """This machine."""
        return cls(psutil.virtual_memory().total, _has_gpu())

    @property
    def room(self) -> int:
        """The most memory (bytes) that a model may take here when hardly anything else runs."""
        if not self.has_gpu:
            return int(NEARLY_ALL * self.memory_bytes)
        is_small = self.memory_bytes < _SMALL_MAC
        return int(self.memory_bytes * (_SMALL_SHARE if is_small else _LARGE_SHARE))


@functools.cache
def _has_gpu() -> bool:
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return _CUDA_DEVICE.exists() and any(map(_is_installed, _CUDA_PACKAGES))


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True
