"""RTF, through striprtf."""

from __future__ import annotations

import re

from mlx_backend.importers.document import Document, Format, SkippedFile, SourceFile
from mlx_backend.importers.readers.html_text import tidy
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.text import begins_with

_LEFT_OUT = {"picture": rb"\\pict\b", "embedded object": rb"\\object\b"}
_CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")


def read_rtf(source: SourceFile) -> list[Document]:
    """One document. Raises SkippedFile when it has no text."""
    from striprtf.striprtf import rtf_to_text

    page = _CODE_PAGE.search(source.head)
    encoding = f"cp{page[1].decode()}" if page else "cp1252"
    try:
        "".encode(encoding)
    except LookupError:
        encoding = "cp1252"
    text = rtf_to_text(source.data.decode("latin-1"), encoding=encoding, errors="replace")
    text = tidy(text.replace("\0", ""))
    if not text.strip():
        raise SkippedFile("The document has no text")
    first = text.strip().partition("\n")[0].strip()
    title = first if len(first) <= 80 else source.stem
    losses = Losses({kind: len(re.findall(mark, source.data)) for kind, mark in _LEFT_OUT.items()})
    return [Document(title, text, kind="rtf", left_out=in_words(losses))]


FORMAT = Format(lambda source: begins_with(source, b"{\\rtf"), read_rtf)
