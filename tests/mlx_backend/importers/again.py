"""Importing one folder again and again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

Import = Callable[[], tuple[int, int, int, int]]
"""Imports the folder of the test; gives how many notes were added, changed, unchanged, removed."""


def write(path: Path, data: bytes | str) -> None:
    """Write a file; its modification time is a second later than before."""
    at = path.stat().st_mtime_ns + 10**9 if path.exists() else None
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    if at:
        os.utime(path, ns=(at, at))
