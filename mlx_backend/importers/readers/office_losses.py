"""Counting what office documents contain besides the text that is read.

In a zip, the names of the members tell; in an old workbook, the header of its picture store.
"""

from __future__ import annotations

import re
import struct

from mlx_backend.importers.document import SkippedFile
from mlx_backend.importers.readers.losses import Losses
from mlx_backend.importers.readers.zip_box import ZipBox

_RECORDING = r"(?:mp3|mp4|m4a|m4v|mov|wav|wma|wmv|avi|ogg)"
_FOLDER = r"(?:word|ppt|xl)"
_MEMBERS = {
    "recording": re.compile(rf"(?:{_FOLDER}/media|media)/[^/]+\.{_RECORDING}", re.IGNORECASE),
    "picture": re.compile(rf"(?:{_FOLDER}/media|Pictures)/[^/]+"),
    "chart": re.compile(rf"{_FOLDER}/charts/chart\w*\.xml"),
    "diagram": re.compile(rf"{_FOLDER}/diagrams/data\d*\.xml"),
    # The data table of a chart is an embedded workbook, so it does not count.
    "embedded object": re.compile(
        rf"{_FOLDER}/embeddings/(?!Microsoft_(?:Office_)?Excel)[^/]+|Object \d+/content\.xml"
    ),
}
_TEXT = re.compile(rb"<w:t[ >].*", re.DOTALL)  # matches at most once in a member
_INSIDE = {
    "deletion": (re.compile(r"word/document\.xml"), re.compile(rb"<w:delText[ >]")),
    "header": (re.compile(r"word/header\d*\.xml"), _TEXT),
    "footer": (re.compile(r"word/footer\d*\.xml"), _TEXT),
    "comment": (
        re.compile(r"ppt/comments/[^/]+\.xml|xl/comments\d*\.xml|xl/comments/[^/]+\.xml"),
        re.compile(rb"<(?:\w+:)?(?:comment|cm)[ >]"),
    ),
}
# A record MsoDrawingGroup with a container of drawings: a block of ids, then the picture store.
_DRAWINGS = re.compile(rb"\xeb\0..\x0f\0\0\xf0.{4}\0\0\x06\xf0(?P<length>.{4})", re.DOTALL)
_STORE = struct.Struct("<HH")
_STORE_KIND = 0xF001
_STORE_VERSION = 0xF


def office_losses(box: ZipBox) -> Losses:
    """The pictures, charts, comments and the like, and tracked deletions, of a zipped document."""
    losses = Losses()
    for member in box.members:
        name = member.filename
        losses.update(kind for kind, pattern in _MEMBERS.items() if pattern.fullmatch(name))
        for kind, (pattern, what) in _INSIDE.items():
            if pattern.fullmatch(name):
                losses[kind] += len(what.findall(_content(box, name)))
    losses["picture"] -= losses["recording"]
    return losses


def old_workbook_losses(data: bytes) -> Losses:
    """The number of distinct pictures in a workbook of Excel 97 to 2003, from its picture store.

    Format: MsoDrawingGroup in [MS-XLS], OfficeArtBStoreContainer in [MS-ODRAW].
    """
    return Losses({"picture": sum(_stored(data, found) for found in _DRAWINGS.finditer(data))})


def _stored(data: bytes, drawings: re.Match[bytes]) -> int:
    start = drawings.end() + int.from_bytes(drawings["length"], "little")
    if start + _STORE.size > len(data):
        return 0
    version_and_count, kind = _STORE.unpack_from(data, start)
    is_store = kind == _STORE_KIND and version_and_count & 0xF == _STORE_VERSION
    return version_and_count >> 4 if is_store else 0


def _content(box: ZipBox, name: str) -> bytes:
    try:
        return box.read(name)
    except SkippedFile:
        return b""  # a damaged member does not prevent reading the text
