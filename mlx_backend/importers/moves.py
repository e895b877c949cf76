"""Whether a file that the library knows is still where it was: what tells a move from a copy."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from pathlib import Path

from mlx_backend.importers.opening import UnopenedFile, open_below
from mlx_backend.library.imports import FileStamp


def has_content(stamp: FileStamp, now_at: str) -> bool:
    """Whether the file of a stamp still has its content, which was also found at `now_at`.

    Where that cannot be told it counts as there: a copy costs less than a note taken away.
    """
    try:
        info = os.lstat(stamp.path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    if not stat.S_ISREG(info.st_mode) or _is_another_spelling(stamp.path, now_at):
        return False
    if (info.st_size, info.st_mtime_ns) == (stamp.size, stamp.mtime_ns):
        return True
    return info.st_size == stamp.size and _hash(stamp) in (stamp.sha256, "")


def _is_another_spelling(path: str, other: str) -> bool:
    """Whether a file system that folds names, as a Mac's does, takes both for one file."""
    try:
        return _folded(path) == _folded(other) and Path(path).samefile(other)
    except OSError:
        return False


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _hash(stamp: FileStamp) -> str:
    """The SHA-256 of what the file holds now; "" when it cannot be read."""
    try:
        descriptor = open_below(Path(stamp.source), Path(stamp.path))
    except (UnopenedFile, ValueError):
        return ""
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
