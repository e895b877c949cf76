"""Whether the disk has room for what a job writes next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mlx_backend.files import folder_bytes, sync_file
from mlx_backend.jobs.folder import JobFolder

_MARGIN = 64 << 20  # for the events, the log and the database
_COPIES = 2  # a checkpoint is written before an older one is removed; the adapter comes on top
_CHUNK = 1 << 20


def room_needed(folder: JobFolder) -> int:
    """The bytes that must be free before a run goes on, judged by its largest checkpoint."""
    return _COPIES * max(_checkpoint_sizes(folder), default=0) + _MARGIN


def has_room(folder: JobFolder, needed: int) -> bool:
    """Whether `needed` bytes are free, and a file can be written and flushed to the disk."""
    trial = folder.path / f".room.{os.getpid()}.part"
    try:
        if shutil.disk_usage(folder.path).free < needed:
            return False
        with trial.open("wb") as file:
            _reserve(file.fileno(), needed)
            file.write(bytes(_CHUNK))
            file.flush()
            sync_file(file.fileno())
    except OSError:
        return False
    finally:
        _remove(trial)
    return True


def _reserve(descriptor: int, size: int) -> None:
    """Allocate the space where the system can: a quota does not show in the free space."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # the disk is read-only, so there is nothing to remove


def _checkpoint_sizes(folder: JobFolder) -> Iterator[int]:
    try:
        for path in folder.checkpoints.iterdir():
            yield folder_bytes(path)
    except OSError:
        return  # there is none yet, or it is being removed just now
