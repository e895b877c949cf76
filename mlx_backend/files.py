"""Writing files and folders atomically, hashing them, removing folders."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_CHUNK = 1 << 20
_NO_FULL_SYNC = {errno.ENOTSUP, errno.EINVAL, errno.ENOTTY}
_NO_EXCHANGE = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
_EXCHANGE = 2  # RENAME_EXCHANGE in linux/fs.h, RENAME_SWAP in sys/stdio.h
_HERE = -100  # AT_FDCWD in fcntl.h: paths are relative to the working folder
_LEFTOVER = re.compile(r"\..+\.(\d{1,9})\.part")
_PID = re.compile(r"\d{1,9}\.part")
_CLOCKS_DIFFER_S = 2.0  # at most, between a file's time and a process's


def sync_file(descriptor: int) -> None:
    """Flush an open file to the disk itself.

    On a Mac, fsync reaches only the drive's cache, so F_FULLFSYNC is used where the volume supports
    it; network volumes may not.
    """
    if sys.platform == "darwin":
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


def write_folder_atomically(
    path: Path, fill: Callable[[Path], None], over_empty: bool = False
) -> None:
    """Create the folder `path`, complete or not at all, even after a crash.

    `fill` writes its files into a temporary folder beside it, which is then flushed and renamed; if
    `fill` fails, it is removed. So is what a killed process left when it wrote the same path.
    Raises FileExistsError when `path` already exists. With `over_empty`, an empty folder does not
    count: it is replaced, at the end, if it is empty still, else this raises OSError.
    """
    if path.exists() and not (over_empty and is_empty_folder(path)):
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_parts_of(path)
    beside = _beside(path)
    remove_tree(beside)
    beside.mkdir()
    try:
        with _locked(beside):
            fill(beside)
            for file in sorted(_below(beside)):
                sync_path(file)
            sync_path(beside)
            beside.rename(path)
    except BaseException:
        remove_tree(beside)
        raise
    sync_path(path.parent)


def is_empty_folder(path: Path) -> bool:
    """Whether it is a folder, not a link to one, and holds nothing. Raises OSError."""
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def write_file_atomically(path: Path, fill: Callable[[Path], None]) -> None:
    """Create the file `path`, complete or not at all, even after a crash.

    `fill` writes the empty file of another name beside it; if that fails, nothing is left. What a
    killed process left when it wrote the same path is removed. Raises FileExistsError when `path`
    already exists.
    """
    if path.exists():
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_parts_of(path)
    beside = _beside(path)
    beside.unlink(missing_ok=True)
    try:
        beside.touch(exist_ok=False)
        with _locked(beside):
            fill(beside)
            sync_path(beside)
            _rename_where_nothing_is(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_path(path.parent)


def _rename_where_nothing_is(file: Path, path: Path) -> None:
    """Rename a file; raises FileExistsError where there is something at `path` by now."""
    try:
        os.link(file, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        file.rename(path)
    else:
        file.unlink()


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
    for path in folder.glob(".*.part"):
        _sweep(path)


def _sweep_parts_of(path: Path) -> None:
    """Remove what killed processes left beside `path` when they wrote it, and nothing else."""
    begin = f".{path.name}."
    for part in path.parent.iterdir():
        if part.name.startswith(begin) and _PID.fullmatch(part.name.removeprefix(begin)):
            _sweep(part)


def _sweep(part: Path) -> None:
    match = _LEFTOVER.fullmatch(part.name)
    if match is not None and _is_abandoned(part, int(match[1])):
        remove_tree(part)


def _is_abandoned(part: Path, pid: int) -> bool:
    """Whether the process with this id, which wrote a file or folder of ours, is gone.

    Another process may have the same id by now: it began after the last change.
    """
    import psutil  # here, because writing settings does not need it

    try:
        found = part.lstat()
        is_ours = found.st_uid == os.getuid() and not stat.S_ISLNK(found.st_mode)
        if not is_ours or not _can_lock(part):
            return False
        writer = psutil.Process(pid)
        is_gone = writer.status() == psutil.STATUS_ZOMBIE
        return is_gone or writer.create_time() > found.st_ctime + _CLOCKS_DIFFER_S
    except psutil.NoSuchProcess:
        return True
    except (OSError, psutil.Error):
        return False


@contextlib.contextmanager
def _locked(part: Path) -> Iterator[None]:
    """Mark a file or folder as being written, for as long as this process lives at most."""
    descriptor = os.open(part, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network volumes have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _can_lock(part: Path) -> bool:
    """Whether nobody has marked a file or folder as being written."""
    descriptor = os.open(part, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # no locks here: then the process's id decides
    finally:
        os.close(descriptor)
    return True


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
