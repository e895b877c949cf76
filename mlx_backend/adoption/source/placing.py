"""Putting a file of another program into our folder without a second copy, where that can be.

A clone shares the bytes until one of the two files changes (APFS: clonefile(2); Btrfs, XFS and
others: FICLONE of ioctl_ficlone(2)). A hard link is the same file under a second name, so that the
library never writes into the files of a model. Where neither can be, the bytes are copied.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import sync_file, sync_path

Way = Literal["cloned", "linked", "copied"]
"""How a file came here."""

_FICLONE = 0x40049409
_CLONE_NOFOLLOW = 1
_CHUNK = 1 << 20
_SYNC_EVERY = 64 * _CHUNK
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}


def share(source: Path, to: Path) -> Way | None:
    """Clone or link the file `source` as `to`, which must not exist; None where neither can be.

    Raises OSError when the disk is full or has a fault.
    """
    for way, attempt in _WAYS:
        try:
            attempt(source, to)
        except OSError as error:
            to.unlink(missing_ok=True)
            if error.errno in _FULL:
                raise
        else:
            return way
    return None


def copy(source: Path, part: Path, size: int, on_bytes: Callable[[int], object]) -> None:
    """Copy `size` bytes of the file `source` to `part`, and go on where an earlier try ended.

    `on_bytes` is told how many are there; what it raises ends the copying, and what is there stays.
    Raises OvernightError where the file is shorter, OSError where it cannot be read or written.
    """
    with open_regular(source) as original, part.open("a+b", buffering=0) as out:
        there = _agreeing(original, out, size, on_bytes)
        original.seek(there)
        out.truncate(there)
        out.seek(there)
        synced = there
        while there < size:
            piece = original.read(min(_CHUNK, size - there))
            if not piece:
                raise being_written(source.name)
            there += _write(out, piece)
            if there - synced >= _SYNC_EVERY:
                sync_file(out.fileno())
                synced = there
            on_bytes(there)
        sync_file(out.fileno())


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read. Raises OvernightError for a pipe, a device or a link, at once."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise not_regular(path.name) from error
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise gone(path.name) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise not_regular(path.name)
    return os.fdopen(descriptor, "rb", buffering=0)


def being_written(name: str) -> OvernightError:
    """The error for a folder in which a file changes meanwhile."""
    return OvernightError(
        ErrorKind.BUSY,
        f"Another program is writing to {_shown(name)} just now.",
        "Wait until its download or copy is done, then adopt the model again. Nothing was changed.",
    )


def gone(name: str) -> OvernightError:
    """The error for a file that was there when the adoption began."""
    return OvernightError(
        ErrorKind.PATH_MISSING,
        f"{_shown(name)} is no longer there.",
        "The model, or the disk that it is on, was removed or moved meanwhile. Put it back, or"
        " adopt it from where it is now.",
    )


def not_regular(name: str) -> OvernightError:
    """The error for what is in the place of a file, but is none."""
    return OvernightError(
        ErrorKind.BAD_INPUT,
        f"{_shown(name)} is not a file of its own, but a pipe, a device or a link elsewhere.",
        "Put the file itself into the folder, then adopt it again.",
    )


def _agreeing(
    original: BinaryIO, out: BinaryIO, size: int, on_bytes: Callable[[int], object]
) -> int:
    """How many bytes of an earlier try are those of the original; a power cut may spoil some."""
    out.seek(0)
    there = 0
    while there < size:
        mine = out.read(min(_CHUNK, size - there))
        if not mine or mine != original.read(len(mine)):
            break
        there += len(mine)
        on_bytes(there)
    return there


def _write(out: BinaryIO, piece: bytes) -> int:
    rest = memoryview(piece)
    while rest:
        rest = rest[out.write(rest) :]
    return len(piece)


def _clone(source: Path, to: Path) -> None:
    if sys.platform == "darwin":
        _clone_on_mac(source, to)
    else:
        _clone_on_linux(source, to)


def _clone_on_mac(source: Path, to: Path) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(source), os.fsencode(to)
    if library.clonefile(*map(ctypes.c_char_p, names), ctypes.c_uint32(_CLONE_NOFOLLOW)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(to))


def _clone_on_linux(source: Path, to: Path) -> None:
    with open_regular(source) as original, to.open("xb") as copy_:
        fcntl.ioctl(copy_.fileno(), _FICLONE, original.fileno())
        sync_file(copy_.fileno())


def _link(source: Path, to: Path) -> None:
    os.link(source, to, follow_symlinks=False)
    if not stat.S_ISREG(to.lstat().st_mode):
        to.unlink()
        raise not_regular(source.name)
    sync_path(to.parent)


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)[:80]


_WAYS: tuple[tuple[Way, Callable[[Path, Path], None]], ...] = (
    ("cloned", _clone),
    ("linked", _link),
)
