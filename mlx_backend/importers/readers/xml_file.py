"""XML files; the root element decides which reader takes them."""

from __future__ import annotations

from collections.abc import Iterable

from mlx_backend.importers.document import Format, Item, LargeSourceFile, SkippedFile, SourceFile
from mlx_backend.importers.limits import too_large
from mlx_backend.importers.readers.enex import read_enex, read_large_enex
from mlx_backend.importers.readers.feed import read_feed, read_outline
from mlx_backend.importers.readers.html import read_html
from mlx_backend.importers.readers.plain_text import TO_DO, read_plain_text
from mlx_backend.importers.readers.text import begins_with, one_line
from mlx_backend.importers.readers.xml_tree import local_name, parse_xml

_SUFFIXES = frozenset({".xml", ".rss", ".atom", ".enex", ".opml", ".rdf"})
_STARTS = (b"<?xml", b"<rss", b"<feed", b"<opml", b"<!doctype en-export", b"<en-export")
_ENEX = b"<en-export"


def read_xml(source: SourceFile) -> Iterable[Item]:
    """The documents in the file. Raises SkippedFile for other kinds and for damaged files."""
    if _ENEX in source.head:
        return read_enex(source)
    if b"<html" in source.head.lower():
        return read_html(source)
    root = parse_xml(source.data)
    match local_name(root):
        case "rss" | "feed" | "RDF":
            return read_feed(source, root)
        case "opml":
            return read_outline(source, root)
        case _ if source.chosen:
            return read_plain_text(source)
        case other:
            kind = one_line(other)[:40]
            raise SkippedFile(f"This kind of XML ({kind}) is not read, {TO_DO}")


def read_large_xml(source: LargeSourceFile) -> Iterable[Item]:
    """`read_xml` for a large file; of these, only Evernote's exports are read."""
    if _ENEX not in source.head:
        raise SkippedFile(too_large(source.name))
    return read_large_enex(source)


FORMAT = Format(
    lambda source: source.suffix in _SUFFIXES or begins_with(source, *_STARTS),
    read_xml,
    read_large_xml,
    in_sequence=True,
)
