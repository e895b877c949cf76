"""Opening a file safely: no symbolic link is followed, even one that is swapped in meanwhile."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mlx_backend.importers.document import SkippedFile

_NOT_DOWNLOADED = 0x40000000  # SF_DATALESS: the content of this file is only in the cloud


class UnopenedFile(SkippedFile):
    """A file that could not be opened; a later import may succeed."""


def open_below(source: Path, path: Path) -> int:
    """Open `path` for reading; it is below `source`, or equals it. Returns the file descriptor.

    `source` may be a symbolic link, because the person chose it. Below it, no link is followed, not
    even one that replaces a folder while this runs. Raises UnopenedFile.
    """
    names = path.relative_to(source).parts
    try:
        descriptor = _open_in(source, names)
    except FileNotFoundError as error:
        raise UnopenedFile("The file is no longer there") from error
    except OSError as error:
        raise UnopenedFile(f"The file cannot be read ({error.strerror})") from error
    info = os.fstat(descriptor)
    reason = reason_against(info)
    if reason:
        os.close(descriptor)
        raise UnopenedFile(reason)
    return descriptor


def reason_against(info: os.stat_result) -> str:
    """The reason not to read a file with this status; "" for a regular file on this machine."""
    if stat.S_ISLNK(info.st_mode):
        return "A symbolic link is not followed"
    if not stat.S_ISREG(info.st_mode):
        return "This is a device or a pipe, not a file"
    if getattr(info, "st_flags", 0) & _NOT_DOWNLOADED:
        return "The file is in the cloud and not on this machine"
    return ""


def _open_in(source: Path, names: tuple[str, ...]) -> int:
    # O_NONBLOCK, because opening a pipe that has replaced the file would otherwise block.
    to_read = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    if not names:
        return os.open(source, to_read)
    folder = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names[:-1]:
            inner = os.open(
                name,
                os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                dir_fd=folder,
            )
            os.close(folder)
            folder = inner
        return os.open(names[-1], to_read | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)
