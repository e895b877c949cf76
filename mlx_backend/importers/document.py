"""What readers take, what they give and what they raise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO

from mlx_backend.library.voices import Voice


class SkippedFile(Exception):
    """A file is left out; the text is the reason, for the person."""


@dataclass(frozen=True)
class Document:
    """What a reader makes of a file, or of one part of it.

    `part` names the part of a file that holds several; "" is the file itself. `created` is in
    seconds since 1970. `voices` are the turns in a text of several voices. `left_out` says in plain
    words what of the file is not in the text.
    """

    title: str
    text: str
    kind: str = "text"
    part: str = ""
    created: float | None = None
    author: str = ""
    voices: tuple[Voice, ...] = ()
    left_out: str = ""


@dataclass(frozen=True)
class SkippedPart:
    """A part of a file that is left out, with the reason; the other parts are read."""

    part: str
    reason: str


@dataclass(frozen=True)
class EnteredPart:
    """A reader begins with this part: should it die or hang, the part is the cause."""

    part: str


Item = Document | SkippedPart | EnteredPart

THE_REST = "the rest"
"""The part that stands for all that was not read, where a file holds too much."""


@dataclass(frozen=True)
class Source:
    """A file's or an archive member's content; `name` has no folder in it.

    `container` is the name of the archive that it came from. `excluded_parts` are not read.
    `chosen` tells that the person wants this very file, and not only the folder that it is in.
    """

    name: str
    data: bytes
    container: str = ""
    depth: int = 0
    excluded_parts: frozenset[str] = frozenset()
    chosen: bool = False

    @property
    def stem(self) -> str:
        """The name without its suffix: the title of last resort."""
        return PurePath(self.name).stem or self.name

    @property
    def suffix(self) -> str:
        """The suffix in lower case, with its dot."""
        return PurePath(self.name).suffix.lower()

    @property
    def head(self) -> bytes:
        """The beginning, enough to recognise a format by."""
        return self.data[:4096]


@dataclass(frozen=True)
class LargeSource:
    """A file that is too large to be held: how it begins, and where to read it from."""

    name: str
    head: bytes
    file: BinaryIO
    excluded_parts: frozenset[str] = frozenset()


Reader = Callable[[Source], Iterable[Item]]
LargeReader = Callable[[LargeSource], Iterable[Item]]


@dataclass(frozen=True)
class Format:
    """A kind of file: how it is recognised, by content before suffix, and who reads it.

    `recognises` looks at name and head alone. `read` raises SkippedFile when nothing of the file
    can be read. `read_large` is there for a format that can be read a piece at a time. Where it is
    `in_sequence`, it goes through the file but once, which may then still be packed.
    """

    recognises: Callable[[Source], bool]
    read: Reader
    read_large: LargeReader | None = None
    in_sequence: bool = False
