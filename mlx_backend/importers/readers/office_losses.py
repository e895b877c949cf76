"""What office documents hold besides the text that is read, told by the names of their members."""

from __future__ import annotations

import re

from mlx_backend.importers.document import SkippedFile
from mlx_backend.importers.readers.left_out import Losses
from mlx_backend.importers.readers.zip_box import ZipBox

_RECORDING = r"(?:mp3|mp4|m4a|m4v|mov|wav|wma|wmv|avi|ogg)"
_FOLDER = r"(?:word|ppt|xl)"
_MEMBERS = {
    "recording": re.compile(rf"(?:{_FOLDER}/media|media)/[^/]+\.{_RECORDING}", re.IGNORECASE),
    "picture": re.compile(rf"(?:{_FOLDER}/media|Pictures)/[^/]+"),
    "chart": re.compile(rf"{_FOLDER}/charts/chart\w*\.xml"),
    "diagram": re.compile(rf"{_FOLDER}/diagrams/data\d*\.xml"),
    # A chart's own table is one, too.
    "embedded object": re.compile(
        rf"{_FOLDER}/embeddings/(?!Microsoft_(?:Office_)?Excel)[^/]+|Object \d+/content\.xml"
    ),
}
_TEXT = re.compile(rb"<w:t[ >].*", re.DOTALL)  # once a member
_INSIDE = {
    "deletion": (re.compile(r"word/document\.xml"), re.compile(rb"<w:delText[ >]")),
    "header": (re.compile(r"word/header\d*\.xml"), _TEXT),
    "footer": (re.compile(r"word/footer\d*\.xml"), _TEXT),
    "comment": (
        re.compile(r"ppt/comments/[^/]+\.xml|xl/comments\d*\.xml|xl/comments/[^/]+\.xml"),
        re.compile(rb"<(?:\w+:)?(?:comment|cm)[ >]"),
    ),
}


def office_losses(box: ZipBox) -> Losses:
    """Pictures, charts and the like of a document in a zip; deletions that Word keeps in mind."""
    losses = Losses()
    for member in box.members:
        name = member.filename
        losses.update(kind for kind, pattern in _MEMBERS.items() if pattern.fullmatch(name))
        for kind, (pattern, what) in _INSIDE.items():
            if pattern.fullmatch(name):
                losses[kind] += len(what.findall(_content(box, name)))
    losses["picture"] -= losses["recording"]
    return losses


def _content(box: ZipBox, name: str) -> bytes:
    try:
        return box.read(name)
    except SkippedFile:
        return b""  # a damaged member costs the text nothing
