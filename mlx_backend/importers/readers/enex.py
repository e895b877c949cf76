"""Evernote's exports (ENEX): a document for each note.

Format: http://xml.evernote.com/pub/evernote-export4.dtd
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from mlx_backend.importers.document import Document, EnteredPart, Item, SkippedPart, Source
from mlx_backend.importers.readers.html_text import parse, to_markdown
from mlx_backend.importers.readers.text import one_line, seconds_of
from mlx_backend.importers.readers.xml_tree import child_text, local_name


def read_enex(source: Source, root: Element) -> Iterator[Item]:
    """The notes of an export; those without text are skipped."""
    for note in root:
        if local_name(note) != "note":
            continue
        title = one_line(child_text(note, "title")) or "Untitled"
        if title not in source.passed_over:
            yield EnteredPart(title)
            yield _note(note, title)


def _note(note: Element, title: str) -> Item:
    text = _text(child_text(note, "content"))
    if not text.strip():
        return SkippedPart(title, "The note has no text")
    tags = [one_line(e.text) for e in note if local_name(e) == "tag" and e.text]
    if tags:
        text += "\nTags: " + ", ".join(tags) + "\n"
    attributes = next((e for e in note if local_name(e) == "note-attributes"), None)
    media = sum(local_name(e) == "resource" for e in note)
    return Document(
        title=title,
        text=text,
        kind="evernote",
        part=title.replace("/", "-"),
        created=seconds_of(child_text(note, "created") or None),
        author=one_line(child_text(attributes, "author")) if attributes is not None else "",
        left_out=f"{media} attached files" if media else "",
    )


def _text(content: str) -> str:
    tree = parse(content)
    for box in tree.find_all("en-todo"):
        box.replace_with("[x] " if box.get("checked") == "true" else "[ ] ")
    for media in tree.find_all("en-media"):
        media.decompose()
    return to_markdown(tree)
