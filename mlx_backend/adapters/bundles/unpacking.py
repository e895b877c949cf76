"""Taking a bundle, or any zip with an adapter, apart: only what is wanted of it, within bounds.

Nothing is extracted by the archive's own paths: each wanted entry is read and written under a name
of ours. Sizes are counted while reading, whatever the archive says.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

LARGEST_ENTRIES = 10_000
"""The most entries that an archive may list."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those that are unpacked bit by bit
_END = b"PK\x05\x06"
_LONGEST_END = 65_557  # with the longest comment
_LARGEST_DIRECTORY = 4 << 20
_CHUNK = 1 << 20
_MOST_RATIO = 200  # weights hardly shrink; what shrinks more is a trap or worthless


class UnpackingError(Exception):
    """An archive that cannot be taken apart; the text ends a sentence that begins "it "."""


def names_in(path: Path) -> dict[str, int]:
    """The files that a zip lists, with the sizes that it claims. Raises UnpackingError.

    Folders are left out. Raises UnpackingError as well for links, for two entries of one name, and
    for a name that leads out of a folder.
    """
    try:
        _check_directory(path)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise UnpackingError("is no readable zip file") from error
    if len(entries) > LARGEST_ENTRIES:
        raise UnpackingError("lists far too many files")
    if len({entry.filename for entry in entries}) < len(entries):
        raise UnpackingError("lists a file twice")
    if any(entry.compress_type not in _METHODS for entry in entries):
        raise UnpackingError("is packed in a way that is not taken in")
    files = [entry for entry in entries if not entry.is_dir()]
    if not all(map(_is_plain, files)):
        raise UnpackingError("holds a link, or a name that leads out of it")
    return {entry.filename: entry.file_size for entry in files}


def _check_directory(path: Path) -> None:
    """Raise UnpackingError for a list of files that is far too long, before it is read.

    Where it lies, the end of the file says (APPNOTE.TXT of PKWARE, 4.3.16).
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LONGEST_END))
        end = file.read()
    at = end.rfind(_END)
    if at < 0 or len(end) < at + 20:
        raise UnpackingError("is no readable zip file")
    if int.from_bytes(end[at + 12 : at + 16], "little") > _LARGEST_DIRECTORY:
        raise UnpackingError("lists far too many files")


def sums_of(path: Path, names: Mapping[str, int]) -> dict[str, str]:
    """The SHA-256 sums (hexadecimal) of files of a zip, each of at most the size that it claims.

    Raises UnpackingError where one is damaged or larger.
    """
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name, size in names.items():
                digest, count = hashlib.sha256(), 0
                with archive.open(name) as source:
                    while chunk := source.read(_CHUNK):
                        digest.update(chunk)
                        count += len(chunk)
                        if count > size:
                            raise UnpackingError("is too large when it is unpacked")
                found[name] = digest.hexdigest()
    except (KeyError, RuntimeError, ValueError, EOFError, NotImplementedError) as error:
        raise UnpackingError("holds an entry that cannot be read") from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise UnpackingError("is damaged") from error
    return found


def take(path: Path, wanted: Mapping[str, Path], most_bytes: int) -> None:
    """Write entries of a zip to files of ours, in total at most so many bytes.

    Raises UnpackingError where one is missing, damaged, encrypted or larger than allowed.
    """
    left = most_bytes
    try:
        with zipfile.ZipFile(path) as archive:
            for name, to in wanted.items():
                left -= _take_one(archive, name, to, left)
    except (KeyError, RuntimeError, ValueError, EOFError, NotImplementedError) as error:
        raise UnpackingError("holds an entry that cannot be read") from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise UnpackingError("is damaged") from error


def _take_one(archive: zipfile.ZipFile, name: str, to: Path, most: int) -> int:
    entry = archive.getinfo(name)
    if entry.file_size > most or entry.file_size > _MOST_RATIO * max(1, entry.compress_size):
        raise UnpackingError("is too large when it is unpacked")
    count = 0
    with archive.open(entry) as source, to.open("xb") as target:
        while chunk := source.read(_CHUNK):
            count += len(chunk)
            if count > most:
                raise UnpackingError("is too large when it is unpacked")
            target.write(chunk)
    return count


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    mode = entry.external_attr >> 16
    is_file = not stat.S_IFMT(mode) or stat.S_ISREG(mode)
    parts = entry.filename.replace("\\", "/").split("/")
    leads_out = entry.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]
    return is_file and not entry.is_dir() and not leads_out
