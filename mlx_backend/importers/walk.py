"""Finding the files of what a person dropped, without leaving it."""

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
    """A file below `source`; `reason` says why it cannot be read, "" when it can.

    Where `unlisted`, it is or may be a folder, and nobody knows what is in it now.
    """

    path: Path
    source: Path
    size: int
    mtime_ns: int
    reason: str = ""
    unlisted: bool = False


def find_files(source: Path) -> Iterator[FoundFile]:
    """Every file of a folder, in order of name, or the one file that `source` is.

    What is hidden comes as one, with a reason that counts it all. Symbolic links, pipes, devices,
    files of the cloud that are not on this machine and folders that may not be read come with a
    reason each.
    Raises OvernightError when `source` does not exist or cannot be read at all.
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
    """What `source` is. Raises OvernightError when it does not exist or cannot be read at all."""
    try:
        info = source.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OvernightError(
            ErrorKind.PATH_MISSING,
            f"There is nothing at {source}.",
            "Check the path; a folder on another disk may not be connected.",
        ) from error
    except PermissionError as error:
        raise _not_allowed(source) from error
    if stat.S_ISDIR(info.st_mode) and not os.access(source, os.R_OK | os.X_OK):
        raise _not_allowed(source)
    return info


def count_files(source: Path) -> int:
    """About how many files `find_files` will give: without looking at any of them."""
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
        return False  # looking at it as a file tells the reason


def _below(top: Path, source: Path, ignored: IgnoredFiles) -> Iterator[FoundFile]:
    # The folders that are being gone through, each in the one before it: no call for each level, as
    # folders may be nested deeper than calls.
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
    """What is in a folder, in order of name; or the folder itself, where nobody may look."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        yield _unlisted(folder, source, f"The folder cannot be read ({_why(error)})")
        return
    if any(entry.name == DATABASE for entry in entries):
        reason = "This is Overnight's own library, no notes"
        yield FoundFile(_readable(folder), source, 0, 0, reason)
        return
    yield from entries


def _file(entry: os.DirEntry[str], source: Path) -> FoundFile:
    path = Path(entry.path)
    if not _is_text(entry.name):
        return FoundFile(_readable(path), source, 0, 0, "The name holds bytes that are no text")
    try:
        return _found(path, source, entry.stat(follow_symlinks=False))
    except OSError as error:
        return _unlisted(path, source, f"The file cannot be read ({_why(error)})")


def _why(error: OSError) -> str:
    if error.errno == errno.ENAMETOOLONG:
        return "it lies deeper than the system can name"
    return error.strerror or str(error)


def _unlisted(path: Path, source: Path, reason: str) -> FoundFile:
    return FoundFile(path, source, 0, 0, reason, unlisted=True)


def _is_text(name: str) -> bool:
    """Whether a name can be stored and sent; on Linux a name is any bytes."""
    return name.isascii() or os.fsencode(name).decode("utf-8", "ignore") == name


def _readable(path: Path) -> Path:
    return Path(os.fsencode(path).decode("utf-8", "replace"))


def _found(path: Path, source: Path, info: os.stat_result) -> FoundFile:
    return FoundFile(path, source, info.st_size, info.st_mtime_ns, reason_against(info))


def _not_allowed(source: Path) -> OvernightError:
    return OvernightError(
        ErrorKind.UNREADABLE,
        f"{source} may not be read.",
        "Allow access in the system's privacy settings or the folder's permissions.",
    )
