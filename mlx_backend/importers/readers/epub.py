"""EPUB books: one document, with the chapters in reading order.

Package documents: EPUB 3.3, section 5.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from mlx_backend.importers.document import Document, SkippedFile, SourceFile
from mlx_backend.importers.readers.html_text import parse, to_markdown
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.text import one_line, seconds_of
from mlx_backend.importers.readers.xml_tree import child_text, local_name, parse_xml
from mlx_backend.importers.readers.zip_box import ZipBox

_CONTAINER = "META-INF/container.xml"


def read_epub(source: SourceFile) -> list[Document]:
    """One document. Raises SkippedFile when it is damaged or has no text."""
    box = ZipBox(source.data)
    package = _package_path(box)
    root = parse_xml(box.read(package))
    losses = Losses()
    read = [_chapter(box, name, losses) for name in _spine(root, package)]
    chapters = list(filter(None, read))
    if not chapters:
        raise SkippedFile("The book has no text")
    metadata = next((e for e in root if local_name(e) == "metadata"), root)
    return [
        Document(
            title=one_line(child_text(metadata, "title")) or source.stem,
            text="\n\n".join(chapters) + "\n",
            kind="epub",
            created=seconds_of(child_text(metadata, "date") or None),
            author=one_line(child_text(metadata, "creator")),
            left_out=in_words(losses),
        )
    ]


def _package_path(box: ZipBox) -> str:
    for element in parse_xml(box.read(_CONTAINER)).iter():
        if local_name(element) == "rootfile" and element.get("full-path"):
            return str(element.get("full-path"))
    raise SkippedFile("The book is damaged: it does not say where its content is")


def _spine(root: Element, package: str) -> Iterator[str]:
    """The names of the members that make up the text, without the table of contents."""
    folder = posixpath.dirname(package)
    files = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in root.iter()
        if local_name(item) == "item" and "nav" not in item.get("properties", "").split()
    }
    for reference in root.iter():
        if local_name(reference) == "itemref" and reference.get("idref") in files:
            yield files[reference.get("idref")]


def _chapter(box: ZipBox, name: str, losses: Losses) -> str:
    if name not in box.names:
        losses["missing chapter"] += 1
        return ""
    text, lost = to_markdown(parse(box.read(name)))
    losses.update(lost)
    return text.strip("\n")


def is_epub(mimetype: bytes, names: set[str]) -> bool:
    """Whether a zip is an EPUB."""
    return mimetype.startswith(b"application/epub+zip") or _CONTAINER in names
