"""Zip files, opened with care: how much is in them is known before anything is unpacked."""

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
    """A zip file, in memory or on disk. Raises SkippedFile for one that is damaged or a bomb.

    `largest_whole` is how much may be in it, where not all of that is held at once.
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
        """A member's content. Raises SkippedFile when it cannot be had."""
        try:
            return self.read_member(self.file.getinfo(name))
        except KeyError as error:
            raise SkippedFile(f"The file is damaged: {name} is missing in it") from error

    def head(self, member: zipfile.ZipInfo, length: int = 4096) -> bytes:
        """The beginning of a member's content; b"" when it cannot be had."""
        try:
            with self.file.open(member) as file:
                return file.read(length)
        except Exception:
            return b""  # `read_member` tells why

    def read_member(self, member: zipfile.ZipInfo) -> bytes:
        """A member's content. Raises SkippedFile when it cannot be had."""
        if member.file_size > LARGEST_MEMBER:
            raise SkippedFile(f"It would unpack to more than {LARGEST_MEMBER >> 20} MB")
        _refuse(member)
        try:
            with self.file.open(member) as file:
                # What the directory says of the size may be a lie.
                data = file.read(member.file_size + 1)
        except Exception as error:
            raise SkippedFile("It cannot be unpacked: the zip is damaged") from error
        return data

    def open_member(self, member: zipfile.ZipInfo) -> BinaryIO:
        """A member's content, unpacked as it is read. Raises SkippedFile when it cannot be had."""
        _refuse(member)
        try:
            return cast(BinaryIO, self.file.open(member))
        except Exception as error:
            raise SkippedFile("It cannot be unpacked: the zip is damaged") from error


def _refuse(member: zipfile.ZipInfo) -> None:
    if member.flag_bits & _ENCRYPTED:
        raise SkippedFile("It is protected by a password")
    if member.file_size > _BOMB_SIZE and member.file_size > _BOMB_RATIO * member.compress_size:
        raise SkippedFile("It unpacks to so much more than it holds that it may be a zip bomb")
