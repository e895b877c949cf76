"""Writing files and folders atomically, hashing them, removing folders."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_CHUNK = 1 << 20
_NO_FULL_SYNC = {errno.ENOTSUP, errno.EINVAL, errno.ENOTTY}
_NO_EXCHANGE = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
_EXCHANGE = 2  # RENAME_EXCHANGE in linux/fs.h, RENAME_SWAP in sys/stdio.h
_HERE = -100  # AT_FDCWD in fcntl.h: paths are relative to the working folder
_LEFTOVER = re.compile(r"\..+\.(\d{1,9})\.part")


def sync_file(descriptor: int) -> None:
    """Flush an open file to the disk itself.

    On a Mac, fsync reaches only the drive's cache, so F_FULLFSYNC is used where the volume supports
    it; network volumes may not.
    """
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno not in _NO_FULL_SYNC:
                raise
        else:
            return
    os.fsync(descriptor)


def sync_path(path: Path) -> None:
    """Flush a file or a folder's entries to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file's content; after a crash all of the old or all of the new content is there.

    Writes another file in the same folder, fsyncs it, and renames it.
    """
    beside = _beside(path)
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            sync_file(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_path(path.parent)


def write_folder_atomically(path: Path, fill: Callable[[Path], None]) -> None:
    """Create the folder `path`, complete or not at all, even after a crash.

    `fill` writes its files into a temporary folder beside it, which is then flushed and renamed; if
    `fill` fails, it is removed. Raises FileExistsError when `path` already exists.
    """
    if path.exists():
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    remove_tree(beside)
    beside.mkdir()
    try:
        fill(beside)
        for file in sorted(_below(beside)):
            sync_path(file)
        sync_path(beside)
        beside.rename(path)
    except BaseException:
        remove_tree(beside)
        raise
    sync_path(path.parent)


def write_file_atomically(path: Path, fill: Callable[[Path], None]) -> None:
    """Create the file `path`, complete or not at all, even after a crash.

    `fill` makes it under another name beside it; if that fails, nothing is left. Raises
    FileExistsError when `path` already exists.
    """
    if path.exists():
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    beside.unlink(missing_ok=True)
    try:
        fill(beside)
        sync_path(beside)
        beside.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_path(path.parent)


def remove_folder(path: Path) -> None:
    """Remove a folder so that a reader sees all of it or nothing, even after a crash."""
    with folder_removed(path):
        pass


@contextlib.contextmanager
def folder_removed(path: Path) -> Iterator[None]:
    """Rename a folder out of sight for a block, and remove it after the block.

    If the block fails, the folder is renamed back. A process that is killed meanwhile leaves the
    renamed folder to `sweep_leftovers`.
    """
    beside = _beside(path)
    path.rename(beside)
    try:
        yield
    except BaseException:
        beside.rename(path)
        raise
    remove_tree(beside)


def exchange_folders(path: Path, other: Path) -> None:
    """Let two folders of one volume take each other's place, at once even after a crash.

    Where the file system cannot do that at once, there is a moment with nothing at `path`;
    `settle_exchange` mends what a crash left then.
    """
    try:
        _exchange(path, other)
    except OSError as error:
        if error.errno not in _NO_EXCHANGE:
            raise
        before = _before_exchange(path)
        path.rename(before)
        other.rename(path)
        before.rename(other)
    sync_path(path.parent)


def settle_exchange(path: Path) -> None:
    """Put the folder back that `exchange_folders` had taken from `path` when it was cut off."""
    before = _before_exchange(path)
    if not before.exists():
        return
    if path.exists():
        remove_tree(before)
    else:
        before.rename(path)


def _before_exchange(path: Path) -> Path:
    return path.with_name(f".{path.name}.before")


def _exchange(path: Path, other: Path) -> None:
    """Exchange two paths by the system's own call, which Python does not offer."""
    system = ctypes.CDLL(None, use_errno=True)
    one, two = os.fsencode(path), os.fsencode(other)
    if sys.platform == "darwin" and hasattr(system, "renamex_np"):
        failed = system.renamex_np(one, two, _EXCHANGE)
    elif hasattr(system, "renameat2"):
        failed = system.renameat2(_HERE, one, _HERE, two, _EXCHANGE)
    else:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))


def sweep_leftovers(folder: Path) -> None:
    """Remove the half-written files and folders that killed processes left in `folder`.

    Those of running processes stay.
    """
    import psutil  # here, because writing settings does not need it

    for path in folder.glob(".*.part"):
        match = _LEFTOVER.fullmatch(path.name)
        if match is None or psutil.pid_exists(int(match[1])):
            continue
        if path.is_dir():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def folder_bytes(path: Path) -> int:
    """The total size of all files below a folder, in bytes; files that disappear count as 0."""
    total = 0
    for file in _below(path):
        with contextlib.suppress(OSError):
            if file.is_file():
                total += file.stat().st_size
    return total


def remove_tree(folder: Path, must_succeed: bool = False) -> None:
    """Remove a folder with everything in it, however deep; of a link, only the link.

    What cannot be removed stays; with `must_succeed`, this raises OSError.
    """
    # Not shutil.rmtree, which is recursive and fails for very deep folders.
    found = [] if folder.is_symlink() else list(_below(folder))
    for path in (*reversed(found), folder):
        try:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        except OSError:
            if must_succeed:
                raise


def _below(folder: Path) -> Iterator[Path]:
    """All files and folders below a folder, parents first; links are not followed."""
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    yield path
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
        except OSError:
            continue
