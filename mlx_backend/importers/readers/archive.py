"""Zip archives of files of any kind, and Notion's exports, which are such archives."""

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
    LargeSource,
    SkippedFile,
    SkippedPart,
    Source,
)
from mlx_backend.importers.limits import LARGEST_IN_PIECES
from mlx_backend.importers.passed_over import PassedOver, is_wanted
from mlx_backend.importers.readers.text import one_line
from mlx_backend.importers.readers.unwanted import refuse_what_is_no_text
from mlx_backend.importers.readers.zip_box import LARGEST_MEMBER, ZipBox

_DEEPEST = 3
_LONGEST_NAME = 1000
_NOTION_ID = re.compile(r"[ _-][0-9a-f]{32}(?=[./]|_all\.|$)")


def read_archive(source: Source) -> Iterator[Item]:
    """Every file in it, read as if it lay in a folder; `part` is its path in the archive.

    Raises SkippedFile for what is damaged or nested too deeply.
    """
    if source.depth >= _DEEPEST:
        raise SkippedFile(f"It is an archive inside {_DEEPEST} archives")
    return _read(source, ZipBox(source.data, LARGEST_IN_PIECES))


def read_large_archive(source: LargeSource) -> Iterator[Item]:
    """`read_archive`, of which no more than one file is held at a time."""
    outside = Source(source.name, source.head, passed_over=source.passed_over)
    return _read(outside, ZipBox(source.file, LARGEST_IN_PIECES))


def _read(source: Source, box: ZipBox) -> Iterator[Item]:
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
        empty = "The archive holds nothing but what is hidden"
        raise SkippedFile(empty if hidden else "The archive is empty")
    passed = PassedOver()
    for path, is_folder in hidden.items():
        passed.add(path, PurePosixPath(path).name, is_folder)
    if passed.reason:
        yield SkippedPart(one_line(passed.first)[:_LONGEST_NAME], passed.reason)


def _member(source: Source, box: ZipBox, member: zipfile.ZipInfo) -> Iterator[Item]:
    part = one_line(_NOTION_ID.sub("", member.filename))[:_LONGEST_NAME]
    if part in source.passed_over:
        return
    yield EnteredPart(part)
    try:
        _refuse(member, box)
        refuse_what_is_no_text(box.head(member))  # before the rest of a film is unpacked
        for item in _items(source, box, member, part):
            yield replace(item, part=f"{part}/{item.part}" if item.part else part)
    except (SkippedFile, MemoryError, RecursionError) as error:
        reasons = {
            MemoryError: "Reading it takes more memory than a note should need",
            RecursionError: "It is nested too deeply",
        }
        yield SkippedPart(part, reasons.get(type(error)) or str(error))
    except Exception:
        # Whatever a parser raises on one damaged file, the others are read.
        yield SkippedPart(part, "The file is damaged and cannot be read")


def _items(source: Source, box: ZipBox, member: zipfile.ZipInfo, part: str) -> Iterable[Item]:
    from mlx_backend.importers.registry import large_reader, read

    name, passed_over = PurePosixPath(part).name, _below(part, source.passed_over)
    if member.file_size > LARGEST_MEMBER:
        head = box.head(member)
        read_large = large_reader(name, head, packed=True)
        return read_large(LargeSource(name, head, box.open_member(member), passed_over))
    data, depth = box.read_member(member), source.depth + 1
    return read(Source(name, data, source.name, depth, passed_over))


def _refuse(member: zipfile.ZipInfo, box: ZipBox) -> None:
    name = member.filename
    if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name or ":" in name[:3]:
        raise SkippedFile("Its name leads out of the archive")
    if len(name) > _LONGEST_NAME:
        raise SkippedFile("Its name is too long")
    if any(ord(c) < 32 for c in name):
        raise SkippedFile("Its name has control characters")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise SkippedFile("A symbolic link is not followed")
    # Notion writes each table twice, as it is shown and whole.
    whole = name.removesuffix(".csv") + "_all.csv"
    if name.endswith(".csv") and whole in box.names:
        raise SkippedFile("The whole table is in the file that ends with _all")


def _hidden_part(name: str) -> str:
    """The path as far as the first folder or file that is hidden; "" where nothing is."""
    parts = PurePosixPath(name).parts
    for at, part in enumerate(parts):
        if part != ".." and not is_wanted(part):
            return "/".join(parts[: at + 1])
    return ""


def _below(part: str, paths: frozenset[str]) -> frozenset[str]:
    prefix = part + "/"
    return frozenset(path.removeprefix(prefix) for path in paths if path.startswith(prefix))
