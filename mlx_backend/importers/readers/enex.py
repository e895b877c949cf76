"""Evernote's exports (ENEX): one document for each note.

Format: http://xml.evernote.com/pub/evernote-export4.dtd
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, TreeBuilder

from mlx_backend.importers.document import (
    THE_REST,
    Document,
    EnteredPart,
    Item,
    LargeSourceFile,
    SkippedFile,
    SkippedPart,
    SourceFile,
)
from mlx_backend.importers.failures import reason_for
from mlx_backend.importers.readers.html_text import Markdown, parse, to_markdown
from mlx_backend.importers.readers.losses import in_words
from mlx_backend.importers.readers.text import one_line, seconds_of
from mlx_backend.importers.readers.xml_tree import child_text, local_name, xml_refused

_CHUNK = 1 << 20
_ATTACHED = frozenset({"data", "alternate-data", "recognition"})
_CODE = re.compile("-en-codeblock: *true")


def read_enex(source: SourceFile) -> Iterator[Item]:
    """The notes of an export; notes without text, or that cannot be read, are skipped.

    If the file is damaged or ends early, the notes before the damage are read.
    """
    data = io.BytesIO(source.data)
    return read_large_enex(LargeSourceFile(source.name, source.head, data, source.excluded_parts))


def read_large_enex(source: LargeSourceFile) -> Iterator[Item]:
    """`read_enex` for a large file: holds one note at a time in memory."""
    names: set[str] = set()
    times: Counter[str] = Counter()
    try:
        for note in _notes(source.file):
            title = one_line(child_text(note, "title")) or "Untitled"
            name = _unused(title.replace("/", "-"), names, times)
            if name not in source.excluded_parts:
                yield EnteredPart(name)
                yield _readable(note, title, name)
    except SkippedFile as skipped:
        if not names:
            raise
        yield SkippedPart(THE_REST, str(skipped))


class _NoteBuilder(TreeBuilder):
    """Collects complete notes, without the data of their attachments."""

    def __init__(self) -> None:
        super().__init__()
        self._root: Element | None = None
        self._whole: list[Element] = []
        self._is_attached = False

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        """Called at the start of an element."""
        element: Element = super().start(tag, attrs)
        self._root = element if self._root is None else self._root
        self._is_attached = tag in _ATTACHED
        return element

    def data(self, data: str, /) -> None:
        """Called with a piece of text."""
        if not self._is_attached:
            super().data(data)

    def end(self, tag: str, /) -> Element:
        """Called at the end of an element."""
        self._is_attached = False
        element: Element = super().end(tag)
        if tag == "note":
            self._whole.append(element)
        return element

    def taken(self) -> list[Element]:
        """The notes completed since the last call; forgets them, to save memory."""
        whole, self._whole = self._whole, []
        if self._root is not None:
            self._root.clear()
        return whole


def _notes(file: BinaryIO) -> Iterator[Element]:
    from defusedxml.ElementTree import DefusedXMLParser

    builder = _NoteBuilder()
    parser = DefusedXMLParser(target=builder)
    file.seek(0)
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        try:
            with xml_refused():
                parser.feed(chunk)
        except SkippedFile:
            yield from builder.taken()
            raise
        yield from builder.taken()
    with xml_refused():
        parser.close()


def _unused(title: str, names: set[str], times: Counter[str]) -> str:
    """A unique name for a note, so that a note which crashes its reader is the only one skipped."""
    name = title
    while name in names:
        times[title] += 1
        name = f"{title} ({times[title] + 1})"
    names.add(name)
    return name


def _readable(note: Element, title: str, name: str) -> Item:
    try:
        return _note(note, title, name)
    except Exception as error:  # the other notes are read all the same
        return SkippedPart(name, reason_for(error, "The note is damaged and cannot be read"))


def _note(note: Element, title: str, name: str) -> Item:
    text, losses = _content(child_text(note, "content"))
    if not text.strip():
        return SkippedPart(name, "The note has no text")
    tags = [one_line(e.text) for e in note if local_name(e) == "tag" and e.text]
    if tags:
        text += "\nTags: " + ", ".join(tags) + "\n"
    attributes = next((e for e in note if local_name(e) == "note-attributes"), None)
    losses["attached file"] += sum(local_name(e) == "resource" for e in note)
    return Document(
        title=title,
        text=text,
        kind="evernote",
        part=title.replace("/", "-"),
        created=seconds_of(child_text(note, "created") or None),
        author=one_line(child_text(attributes, "author")) if attributes is not None else "",
        left_out=in_words(losses),
    )


def _content(content: str) -> Markdown:
    tree = parse(content)
    for box in tree.find_all("en-todo"):
        box.replace_with("[x] " if box.get("checked") == "true" else "[ ] ")
    for box in tree.find_all("div", style=_CODE):
        lines = [line.get_text() for line in box.find_all("div", recursive=False)]
        code = tree.new_tag("pre")
        code.string = "\n".join(lines or [box.get_text()]).replace("\xa0", " ")
        box.replace_with(code)
    for media in tree.find_all("en-media"):
        media.decompose()
    return to_markdown(tree)
