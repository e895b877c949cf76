"""The files of a folder that is published, and which files of a repository are of an earlier one.

`overnight-files.json` lists them, in the folder and so in the repository: by it the next version
knows which files it may replace or remove. All others are somebody's own and stay.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.models.hub.repository import RemoteFile

LIST = "overnight-files.json"
"""The name of the list. It does not list itself."""

LARGEST_LIST = 4 << 20  # bytes
_MOST_FILES = 10_000
_PIECE = 1 << 20
_OF_SYSTEMS = frozenset({".DS_Store", ".localized", "Thumbs.db", "desktop.ini"})


class _Listed(msgspec.Struct, frozen=True):
    """A file as it was published; the Hub tells one of the two digests of it."""

    sha256: str
    git_sha1: str


class _List(msgspec.Struct, frozen=True):
    files: dict[str, _Listed] = {}


def files_to_publish(folder: Path) -> dict[str, RemoteFile]:
    """All files below a folder with both digests, by their paths in it with "/" between folders.

    Files that Finder and Explorer leave in folders are passed over. Raises OvernightError for
    links, for what is no file, for hidden ones, and where there is nothing.
    """
    found = {path: _described(folder, path) for path in sorted(_paths(folder, ""))}
    if not found:
        raise _refused("There is nothing to publish: the folder is empty.")
    return found


def write_list(folder: Path) -> None:
    """List all that is in the folder now, in it. Nothing must be changed there afterwards."""
    (folder / LIST).unlink(missing_ok=True)
    listed = {
        path: _Listed(file.sha256, file.git_sha1) for path, file in files_to_publish(folder).items()
    }
    data = msgspec.json.format(msgspec.json.encode(_List(listed)), indent=2) + b"\n"
    write_atomically(folder / LIST, data)


def published_before(data: bytes, there: Mapping[str, RemoteFile]) -> dict[str, bool]:
    """Which files of a repository an earlier version published, by the list `data` in it.

    Those are there by their paths, with whether they are still as they were published. A list that
    cannot be read lists nothing.
    """
    try:
        listed = msgspec.json.decode(data, type=_List).files
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    ours = {path: _is_same(there[path], listed[path]) for path in there if path in listed}
    return ours | ({LIST: True} if LIST in there else {})


def is_same_content(one: RemoteFile, other: RemoteFile) -> bool:
    """Whether two files hold the same bytes, as far as their digests tell."""
    return one.size == other.size and (
        (bool(one.sha256) and one.sha256 == other.sha256)
        or (bool(one.git_sha1) and one.git_sha1 == other.git_sha1)
    )


def _is_same(there: RemoteFile, listed: _Listed) -> bool:
    if there.sha256:
        return there.sha256 == listed.sha256
    return there.git_sha1 == listed.git_sha1


def _paths(folder: Path, above: str) -> list[str]:
    found: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in _OF_SYSTEMS or entry.name.startswith("._"):
                continue
            path = f"{above}{entry.name}"
            _check_entry(entry, path)
            if entry.is_dir(follow_symlinks=False):
                found += _paths(Path(entry.path), f"{path}/")
            else:
                found.append(path)
            if len(found) > _MOST_FILES:
                raise _refused(f"There are more than {_MOST_FILES:,} files in the folder.")
    return found


def _check_entry(entry: os.DirEntry[str], path: str) -> None:
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        raise _refused(f"{path} is a link: what it points to may be meant for nobody else.")
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise _refused(f"{path} is neither a file nor a folder.")
    if entry.name.startswith("."):
        raise _refused(f"{path} is hidden, and nothing hidden is published.")
    if "\\" in entry.name or not entry.name.isprintable():
        raise _refused(f"{path!r} is no name for a file of the Hub.")


def _described(folder: Path, path: str) -> RemoteFile:
    """A file with its size and digests; git hashes a blob with its length before it."""
    # Without following: what was a file a moment ago may be a link by now.
    descriptor = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as content:
        size = os.fstat(descriptor).st_size
        sha256, sha1 = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
        sha1.update(b"blob %d\0" % size)
        while piece := content.read(_PIECE):
            sha256.update(piece)
            sha1.update(piece)
    return RemoteFile(path=path, size=size, sha256=sha256.hexdigest(), git_sha1=sha1.hexdigest())


def _refused(message: str) -> OvernightError:
    return OvernightError(
        ErrorKind.BAD_INPUT, message, "Nothing was sent. Publish a folder of plain files alone."
    )
