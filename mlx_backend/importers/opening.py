"""Opening a file so that nobody can put another in its place on the way."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mlx_backend.importers.document import SkippedFile

_NOT_DOWNLOADED = 0x40000000  # SF_DATALESS: a cloud file whose content is elsewhere


class UnopenedFile(SkippedFile):
    """A file could not even be opened: another time it may be."""


def open_below(source: Path, path: Path) -> int:
    """A descriptor for reading `path`, which lies below `source` or is it.

    `source` itself may be a link, since the person chose it; below it no link is followed, not
    even one that takes a folder's place while this runs. Raises UnopenedFile.
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
    """Why something of this kind is not read; "" for a plain file that is on this machine."""
    if stat.S_ISLNK(info.st_mode):
        return "A symbolic link is not followed"
    if not stat.S_ISREG(info.st_mode):
        return "This is a device or a pipe, not a file"
    if getattr(info, "st_flags", 0) & _NOT_DOWNLOADED:
        return "The file is in the cloud and not on this machine"
    return ""


def _open_in(source: Path, names: tuple[str, ...]) -> int:
    # Without O_NONBLOCK, a pipe that took the file's place would be waited for.
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
