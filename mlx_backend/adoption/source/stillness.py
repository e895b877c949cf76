"""Whether another program is still writing to a folder."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mlx_backend.adoption.source.folder_listing import LocalFile, list_names, look_again
from mlx_backend.adoption.source.placing import being_written, gone
from mlx_backend.locks import is_held

_UNFINISHED = (".incomplete", ".part", ".partial", ".tmp", ".crdownload", ".download", ".aria2")
_LOCK = ".lock"
_SETTLED_S = 2.0
_RECENTLY_S = 60.0
_HF_DOWNLOADS = (".cache", "huggingface", "download")


def unfinished_file(folder: Path) -> str:
    """The name of a file in a folder that some download has not ended; "" where there is none.

    Looks also where Hugging Face's client keeps the parts of a download into a folder.
    """
    for place in (folder, folder.joinpath(*_HF_DOWNLOADS)):
        if not place.is_dir() or place.is_symlink():
            continue
        for name in sorted(list_names(folder.name, place)):
            if name.endswith(_UNFINISHED) or (name.endswith(_LOCK) and _is_in_use(place / name)):
                return name
    return ""


def is_being_fetched(blobs: Path) -> bool:
    """Whether something arrives in a folder of Hugging Face's cache.

    A client that was killed leaves parts there that nobody ever removes: only new ones count.
    """
    if not blobs.is_dir():
        return False
    parts = (blobs / name for name in list_names(blobs.name, blobs) if name.endswith(_UNFINISHED))
    return any(time.time() - _changed_at(part) < _RECENTLY_S for part in parts)


def wait_until_settled(files: Sequence[LocalFile], stop_if_asked: Callable[[], object]) -> None:
    """Wait until the newest file is two seconds old, so that a writer shows itself by then."""
    newest = max(file.modified_ns for file in files) / 1e9
    until = min(newest, time.time()) + _SETTLED_S
    while time.time() < until:
        stop_if_asked()
        time.sleep(0.05)


def require_unchanged(files: Sequence[LocalFile]) -> None:
    """Raise OvernightError where a file is not what it was when it was found."""
    for file in files:
        now = look_again(file)
        if now is None:
            raise gone(file.name)
        if not is_same(now, file):
            raise being_written(file.name)


def is_same(one: LocalFile, other: LocalFile) -> bool:
    """Whether two looks at a file saw the same."""
    return (one.size, one.modified_ns, one.inode, one.device) == (
        other.size,
        other.modified_ns,
        other.inode,
        other.device,
    )


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _is_in_use(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode) and is_held(path)
    except OSError:
        return False
