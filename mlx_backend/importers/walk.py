"""Finding the files below a folder that the person imports, without following links out of it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.ignored_files import IgnoredFiles, is_ignored
from mlx_backend.importers.opening import reason_against
from mlx_backend.library.home import DATABASE


@dataclass(frozen=True)
class FoundFile:
    """A file at or below `source`; `reason` says why it is not read, "" when it is.

    `size` is in bytes. `unlisted`: it is, or may be, a folder whose contents could not be listed.
    """

    path: Path
    source: Path
    size: int
    mtime_ns: int
    reason: str = ""
    unlisted: bool = False


def find_files(source: Path) -> Iterator[FoundFile]:
    """The files of a folder, ordered by name; or `source` itself when it is a file.

    Links, pipes, devices, cloud files that are not on this machine, and unreadable folders come
    with a reason each. All ignored files come as one entry, whose reason counts them.
    Raises OvernightError when `source` does not exist or cannot be read.
    """
    info = check_source(source)
    if stat.S_ISDIR(info.st_mode):
        ignored = IgnoredFiles()
        yield from _below(source, source, ignored)
        if ignored.reason:
            yield FoundFile(_readable(Path(ignored.first)), source, 0, 0, ignored.reason)
    else:
        yield _found(source, source, info)


def check_source(source: Path) -> os.stat_result:
    """The status of `source`. Raises OvernightError when it is missing or cannot be read."""
    try:
        info = source.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OvernightError(
            ErrorKind.PATH_MISSING,
            f"There is nothing at {source}.",
            "Check the path. If it is on another disk, check that the disk is connected.",
        ) from error
    except PermissionError as error:
        raise _not_allowed(source) from error
    if stat.S_ISDIR(info.st_mode) and not os.access(source, os.R_OK | os.X_OK):
        raise _not_allowed(source)
    return info


def count_files(source: Path) -> int:
    """Roughly how many files `find_files` will give; does not look at the files themselves."""
    folders, files = [str(source)], 0
    while folders:
        try:
            with os.scandir(folders.pop()) as scan:
                for entry in scan:
                    if is_ignored(entry.name):
                        continue
                    if _is_folder(entry):
                        folders.append(entry.path)
                    else:
                        files += 1
        except OSError:
            files += 1
    return files


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False  # treated as a file, it gets a reason


def _below(top: Path, source: Path, ignored: IgnoredFiles) -> Iterator[FoundFile]:
    # A stack of the open folders, instead of recursion: folders can be nested deeper than calls.
    open_folders: list[Iterator[os.DirEntry[str] | FoundFile]] = [_entries(top, source)]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
        elif isinstance(entry, FoundFile):
            yield entry
        elif is_ignored(entry.name):
            ignored.add(entry.path, entry.name, _is_folder(entry))
        elif _is_text(entry.name) and _is_folder(entry):
            open_folders.append(_entries(Path(entry.path), source))
        else:
            yield _file(entry, source)


def _entries(folder: Path, source: Path) -> Iterator[os.DirEntry[str] | FoundFile]:
    """The entries of a folder, ordered by name; or the folder itself when it cannot be read."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        yield _unlisted(folder, source, f"The folder cannot be read ({_why(error)})")
        return
    if any(entry.name == DATABASE for entry in entries):
        reason = "This is an Overnight library, not a folder of notes"
        yield FoundFile(_readable(folder), source, 0, 0, reason)
        return
    yield from entries


def _file(entry: os.DirEntry[str], source: Path) -> FoundFile:
    path = Path(entry.path)
    if not _is_text(entry.name):
        return FoundFile(_readable(path), source, 0, 0, "The name is not valid UTF-8")
    try:
        return _found(path, source, entry.stat(follow_symlinks=False))
    except OSError as error:
        return _unlisted(path, source, f"The file cannot be read ({_why(error)})")


def _why(error: OSError) -> str:
    if error.errno == errno.ENAMETOOLONG:
        return "its path is too long for the system"
    return error.strerror or str(error)


def _unlisted(path: Path, source: Path, reason: str) -> FoundFile:
    return FoundFile(path, source, 0, 0, reason, unlisted=True)


def _is_text(name: str) -> bool:
    """Whether a name is valid UTF-8; on Linux a name can be any bytes."""
    return name.isascii() or os.fsencode(name).decode("utf-8", "ignore") == name


def _readable(path: Path) -> Path:
    return Path(os.fsencode(path).decode("utf-8", "replace"))


def _found(path: Path, source: Path, info: os.stat_result) -> FoundFile:
    return FoundFile(path, source, info.st_size, info.st_mtime_ns, reason_against(info))


def _not_allowed(source: Path) -> OvernightError:
    return OvernightError(
        ErrorKind.UNREADABLE,
        f"Overnight is not allowed to read {source}.",
        "Allow access in the system's privacy settings or in the folder's permissions.",
    )
