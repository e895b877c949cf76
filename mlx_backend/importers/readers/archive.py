"""Zip archives with files of any format, such as Notion's exports."""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from mlx_backend.importers.document import (
    EnteredPart,
    Item,
    LargeSourceFile,
    SkippedFile,
    SkippedPart,
    SourceFile,
)
from mlx_backend.importers.failures import reason_for
from mlx_backend.importers.ignored_files import IgnoredFiles, is_ignored
from mlx_backend.importers.limits import LARGEST_IN_PIECES
from mlx_backend.importers.readers.binary_files import refuse_binary
from mlx_backend.importers.readers.text import one_line
from mlx_backend.importers.readers.zip_box import LARGEST_MEMBER, ZipBox

_DEEPEST = 3
_LONGEST_NAME = 1000
_NOTION_ID = re.compile(r"[ _-][0-9a-f]{32}(?=[./]|_all\.|$)")


def read_archive(source: SourceFile) -> Iterator[Item]:
    """The documents of all files in the archive; `part` is the path in the archive.

    Raises SkippedFile when the archive is damaged, empty or nested too deeply.
    """
    if source.depth >= _DEEPEST:
        raise SkippedFile(f"It is an archive inside {_DEEPEST} archives")
    return _read(source, ZipBox(source.data, LARGEST_IN_PIECES))


def read_large_archive(source: LargeSourceFile) -> Iterator[Item]:
    """`read_archive` for a large archive: holds one member at a time in memory."""
    outside = SourceFile(
        source.name,
        source.head,
        excluded_parts=source.excluded_parts,
        member_readers=source.member_readers,
    )
    return _read(outside, ZipBox(source.file, LARGEST_IN_PIECES))


def _read(source: SourceFile, box: ZipBox) -> Iterator[Item]:
    shown = 0
    hidden: dict[str, bool] = {}
    for member in box.members:
        if path := _hidden_part(member.filename):
            hidden[path] = hidden.get(path, False) or path != member.filename
        if path or member.is_dir():
            continue
        shown += 1
        yield from _member(source, box, member)
    if not shown:
        empty = "The archive holds only hidden files"
        raise SkippedFile(empty if hidden else "The archive is empty")
    ignored = IgnoredFiles()
    for path, is_folder in hidden.items():
        ignored.add(path, PurePosixPath(path).name, is_folder)
    if ignored.reason:
        yield SkippedPart(one_line(ignored.first)[:_LONGEST_NAME], ignored.reason)


def _member(source: SourceFile, box: ZipBox, member: zipfile.ZipInfo) -> Iterator[Item]:
    part = one_line(_NOTION_ID.sub("", member.filename))[:_LONGEST_NAME]
    if part in source.excluded_parts:
        return
    yield EnteredPart(part)
    try:
        _refuse(member, box)
        refuse_binary(box.head(member))  # before unpacking the rest of, say, a film
        for item in _items(source, box, member, part):
            yield replace(item, part=f"{part}/{item.part}" if item.part else part)
    except Exception as error:  # the other files are read all the same
        yield SkippedPart(part, reason_for(error, "The file is damaged and cannot be read"))


def _items(source: SourceFile, box: ZipBox, member: zipfile.ZipInfo, part: str) -> Iterable[Item]:
    readers = source.member_readers
    assert readers is not None
    name, excluded_parts = PurePosixPath(part).name, _below(part, source.excluded_parts)
    if member.file_size > LARGEST_MEMBER:
        head = box.head(member)
        read_large = readers.large_reader(name, head, True)
        return read_large(LargeSourceFile(name, head, box.open_member(member), excluded_parts))
    data, depth = box.read_member(member), source.depth + 1
    return readers.read(SourceFile(name, data, source.name, depth, excluded_parts))


def _refuse(member: zipfile.ZipInfo, box: ZipBox) -> None:
    name = member.filename
    if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name or ":" in name[:3]:
        raise SkippedFile("Its path leads out of the archive")
    if len(name) > _LONGEST_NAME:
        raise SkippedFile("Its name is too long")
    if any(ord(c) < 32 for c in name):
        raise SkippedFile("Its name has control characters")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise SkippedFile("A symbolic link is not followed")
    # Notion exports each table twice: as shown, and whole.
    whole = name.removesuffix(".csv") + "_all.csv"
    if name.endswith(".csv") and whole in box.names:
        raise SkippedFile("The whole table is in the file that ends with _all")


def _hidden_part(name: str) -> str:
    """The path up to and including its first ignored folder or file; "" when there is none."""
    parts = PurePosixPath(name).parts
    for at, part in enumerate(parts):
        if part != ".." and is_ignored(part):
            return "/".join(parts[: at + 1])
    return ""


def _below(part: str, paths: frozenset[str]) -> frozenset[str]:
    prefix = part + "/"
    return frozenset(path.removeprefix(prefix) for path in paths if path.startswith(prefix))
