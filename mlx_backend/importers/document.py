"""The types that readers take, return and raise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from mlx_backend.library.voices import Voice


class SkippedFile(Exception):
    """A file cannot be read, or is not wanted; the message is the reason, for the person."""


@dataclass(frozen=True)
class Document:
    """The text of a file, or of one part of it, as a reader gives it.

    `part` names the part when a file holds several documents; "" stands for the whole file.
    `created` is Unix time in seconds. `voices` are the turns in a text with several speakers.
    `left_out` tells the person what of the file is not in the text. `aliases` are further titles,
    `tags` what the note is filed under, both from its front matter.
    """

    title: str
    text: str
    kind: str = "text"
    part: str = ""
    created: float | None = None
    author: str = ""
    voices: tuple[Voice, ...] = ()
    left_out: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class SkippedPart:
    """A part of a file that is not read, with the reason for the person; other parts are read."""

    part: str
    reason: str


@dataclass(frozen=True)
class EnteredPart:
    """A reader starts with this part; if it crashes or hangs, this part is to blame."""

    part: str


Item = Document | SkippedPart | EnteredPart

THE_REST = "the rest"
"""The name of the part that stands for everything unread in a file that holds too much."""


@dataclass(frozen=True)
class SourceFile:
    """The content of a file or of an archive member; `name` is the file name without folders.

    `container` is the name of the archive that it came from, "" without one, and `depth` the number
    of archives around it. The reader must skip `excluded_parts`. `chosen`: the person selected this
    very file, not only a folder above it. `member_readers` are for archives.
    """

    name: str
    data: bytes
    container: str = ""
    depth: int = 0
    excluded_parts: frozenset[str] = frozenset()
    chosen: bool = False
    member_readers: MemberReaders | None = None

    @property
    def stem(self) -> str:
        """The name without its suffix: the title when the content has none."""
        return PurePath(self.name).stem or self.name

    @property
    def suffix(self) -> str:
        """The suffix in lower case, with its dot; "" without one."""
        return PurePath(self.name).suffix.lower()

    @property
    def head(self) -> bytes:
        """The first 4096 bytes, by which formats are recognised."""
        return self.data[:4096]


@dataclass(frozen=True)
class LargeSourceFile:
    """A file too large to hold in memory: its first bytes, and the open file to read it from."""

    name: str
    head: bytes
    file: BinaryIO
    excluded_parts: frozenset[str] = frozenset()
    member_readers: MemberReaders | None = None


Reader = Callable[[SourceFile], Iterable[Item]]
LargeReader = Callable[[LargeSourceFile], Iterable[Item]]


@dataclass(frozen=True)
class MemberReaders:
    """How an archive has its members read. Handed in, because archives are formats themselves.

    `large_reader` takes a name, the first bytes, and whether the member is packed.
    """

    read: Reader
    large_reader: Callable[[str, bytes, bool], LargeReader]


@dataclass(frozen=True)
class Format:
    """A file format: how to recognise it, and the functions that read it.

    `recognises` sees only the name and the head. `read` raises SkippedFile when nothing of the file
    can be read. `read_large` reads a large file a piece at a time; None if the format cannot be
    read so. If `in_sequence`, it reads the file once from start to end, so that the file may be a
    compressed member of an archive.
    """

    recognises: Callable[[SourceFile], bool]
    read: Reader
    read_large: LargeReader | None = None
    in_sequence: bool = False
