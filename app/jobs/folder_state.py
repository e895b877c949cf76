"""A fingerprint of a folder: another state means that something changed in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def state_of(folder: Path) -> str:
    """A fingerprint of the names, sizes and times of all files; "" where none can be seen.

    A folder that is empty, or on a disk that is not connected, so has no state rather than a new
    one. Hidden files and folders do not count, and links are not followed.
    """
    digest, files = hashlib.sha256(), 0
    for path, info in _files(folder):
        digest.update(f"{path}\0{info.st_size}\0{info.st_mtime_ns}\0".encode(errors="replace"))
        files += 1
    return digest.hexdigest() if files else ""


def folders_of(folder: Path, most: int) -> list[str]:
    """The folder itself and those below it, from the top; at most `most` of them."""
    found: list[str] = []
    level = [str(folder)] if folder.is_dir() else []
    while level and len(found) < most:
        found += level
        level = [entry.path for path in level for entry in _entries(path) if _is_folder(entry)]
    return found[:most]


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    waiting = [str(folder)]
    while waiting:
        for entry in _entries(waiting.pop()):
            if _is_folder(entry):
                waiting.append(entry.path)
                continue
            try:
                yield entry.path, entry.stat(follow_symlinks=False)
            except OSError:
                continue


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return []
    return sorted(visible, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
