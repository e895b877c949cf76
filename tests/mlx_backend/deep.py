"""Folders nested deeper than Python's calls, and deeper than a path may be long."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path


def make_deep_folder(top: Path, levels: int = 1_100) -> Path:
    """Folders called `d`, one in the other; gives the path of the last."""
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    return Path(top, *["d"] * levels)


@contextlib.contextmanager
def deep_folder(top: Path, levels: int = 1_100) -> Iterator[Path]:
    """The same for a block: what removes old folders of tests cannot remove these."""
    try:
        yield make_deep_folder(top, levels)
    finally:
        subprocess.run(["rm", "-rf", top / "d"], check=True)
