"""Telling a moved file from a copied one: is the known file still in its old place?"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from pathlib import Path

from mlx_backend.importers.opening import UnopenedFile, open_below
from mlx_backend.library.imports import FileStamp


def has_content(stamp: FileStamp, now_at: str) -> bool:
    """Whether the file of a stamp still has the content that was also found at `now_at`.

    True when in doubt, because a duplicate does less harm than a note that disappears.
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
    """Whether two paths name one file because the file system ignores case and normal form."""
    try:
        return _folded(path) == _folded(other) and Path(path).samefile(other)
    except OSError:
        return False


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _hash(stamp: FileStamp) -> str:
    """The SHA-256 of the file as it is now; "" when it cannot be read."""
    try:
        descriptor = open_below(Path(stamp.source), Path(stamp.path))
    except (UnopenedFile, ValueError):
        return ""
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
