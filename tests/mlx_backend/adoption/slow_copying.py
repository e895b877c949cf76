"""A job's process on a machine that can share no files and copies slowly.

`python slow_copying.py FOLDER` does what `python -m mlx_backend.job FOLDER` does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mlx_backend import job
from mlx_backend.adoption.source import gathering, placing


def share_nothing(source: Path, to: Path) -> placing.Way | None:
    return None


def slowly(write: Callable[[BinaryIO, bytes], int]) -> Callable[[BinaryIO, bytes], int]:
    def wrapped(out: BinaryIO, piece: bytes) -> int:
        time.sleep(0.01)
        return write(out, piece)

    return wrapped


if __name__ == "__main__":
    vars(gathering)["share"] = share_nothing
    vars(placing)["_write"] = slowly(placing._write)
    sys.exit(job.main(sys.argv[1:]))
