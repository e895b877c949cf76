"""Opening zip files safely: their sizes are checked before anything is unpacked."""

from __future__ import annotations

import io
import zipfile
from typing import BinaryIO, cast

from mlx_backend.importers.document import SkippedFile

MOST_MEMBERS = 50_000
LARGEST_MEMBER = 100 << 20
LARGEST_WHOLE = 1 << 30
_BOMB_RATIO = 200
_BOMB_SIZE = 10 << 20
_ENCRYPTED = 0x1


class ZipBox:
    """A zip file, in memory or on disk. Raises SkippedFile when it is damaged or too large.

    `largest_whole` is the most bytes that all members together may unpack to.
    """

    def __init__(self, data: bytes | BinaryIO, largest_whole: int = LARGEST_WHOLE) -> None:
        try:
            self.file = zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise SkippedFile("The file is damaged: its zip cannot be opened") from error
        members = self.file.infolist()
        if len(members) > MOST_MEMBERS:
            raise SkippedFile(f"It holds more than {MOST_MEMBERS} files")
        if sum(member.file_size for member in members) > largest_whole:
            raise SkippedFile(f"It would unpack to more than {largest_whole >> 30} GB")
        self.members = members
        self.names = {member.filename for member in members}

    def read(self, name: str) -> bytes:
        """The content of the member called `name`. Raises SkippedFile when it cannot be read."""
        try:
            return self.read_member(self.file.getinfo(name))
        except KeyError as error:
            raise SkippedFile(f"The file is damaged: {name} is missing in it") from error

    def head(self, member: zipfile.ZipInfo, length: int = 4096) -> bytes:
        """The first `length` bytes of a member; b"" when it cannot be read."""
        try:
            with self.file.open(member) as file:
                return file.read(length)
        except Exception:
            return b""  # `read_member` gives the reason

    def read_member(self, member: zipfile.ZipInfo) -> bytes:
        """The content of a member. Raises SkippedFile when it cannot be read, or is too large."""
        if member.file_size > LARGEST_MEMBER:
            raise SkippedFile(f"It would unpack to more than {LARGEST_MEMBER >> 20} MB")
        _refuse(member)
        try:
            with self.file.open(member) as file:
                # The size in the directory may be wrong; never read more.
                data = file.read(member.file_size + 1)
        except Exception as error:
            raise SkippedFile("It cannot be unpacked: the zip is damaged") from error
        return data

    def open_member(self, member: zipfile.ZipInfo) -> BinaryIO:
        """A member as a file, unpacked while it is read. Raises SkippedFile when damaged."""
        _refuse(member)
        try:
            return cast(BinaryIO, self.file.open(member))
        except Exception as error:
            raise SkippedFile("It cannot be unpacked: the zip is damaged") from error


def _refuse(member: zipfile.ZipInfo) -> None:
    if member.flag_bits & _ENCRYPTED:
        raise SkippedFile("It is protected by a password")
    if member.file_size > _BOMB_SIZE and member.file_size > _BOMB_RATIO * member.compress_size:
        raise SkippedFile("It unpacks to so much more than its size that it may be a zip bomb")
