"""PowerPoint (PPTX): each slide becomes a section with its title, text, tables and notes.

Parts and names: ECMA-376 part 1, PresentationML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from mlx_backend.importers.document import Document, SkippedFile, SourceFile
from mlx_backend.importers.readers.losses import in_words
from mlx_backend.importers.readers.office_losses import office_losses
from mlx_backend.importers.readers.office_properties import office_properties
from mlx_backend.importers.readers.tables import rows_as_text
from mlx_backend.importers.readers.xml_tree import local_name, parse_xml
from mlx_backend.importers.readers.zip_box import ZipBox

_SLIDE = re.compile(r"ppt/slides/slide(\d+)\.xml")
_TITLES = ("title", "ctrTitle")


def read_pptx(source: SourceFile) -> list[Document]:
    """One document. Raises SkippedFile when it is damaged or has no text."""
    box = ZipBox(source.data)
    slides = sorted((int(m[1]), m[0]) for m in map(_SLIDE.fullmatch, box.names) if m)
    sections = []
    for number, name in slides:
        section = _slide(parse_xml(box.read(name)), number)
        notes = _notes(box, name)
        sections.append("\n\n".join(filter(None, [section, notes])))
    if not any(section.partition("\n")[2].strip() for section in sections):
        raise SkippedFile("The slides have no text")
    about = office_properties(box)
    return [
        Document(
            title=about.title or source.stem,
            text="\n\n".join(sections) + "\n",
            kind="pptx",
            created=about.created,
            author=about.author,
            left_out=in_words(office_losses(box)),
        )
    ]


def _slide(root: Element, number: int) -> str:
    title = ""
    blocks = []
    for shape in _shapes(root):
        placeholder = next((e.get("type", "") for e in shape.iter() if local_name(e) == "ph"), "")
        if placeholder == "sldNum":
            continue
        text = _table(shape) or "\n".join(_paragraphs(shape))
        if placeholder in _TITLES and not title:
            title = " ".join(text.split())
        elif text:
            blocks.append(text)
    heading = f"## Slide {number}: {title}" if title else f"## Slide {number}"
    return "\n\n".join([heading, *blocks])


def _shapes(root: Element) -> Iterator[Element]:
    """The shapes and graphic frames in drawing order, also those inside groups."""
    for element in root.iter():
        if local_name(element) in ("sp", "graphicFrame", "cxnSp"):
            yield element


def _paragraphs(shape: Element) -> Iterator[str]:
    for paragraph in shape.iter():
        if local_name(paragraph) != "p":
            continue
        text = "".join(
            "\n" if local_name(e) == "br" else e.text or ""
            for e in paragraph.iter()
            if local_name(e) in ("t", "br")
        )
        if text.strip():
            yield text.strip()


def _table(shape: Element) -> str:
    rows = [
        [" ".join(_paragraphs(cell)) for cell in row if local_name(cell) == "tc"]
        for row in shape.iter()
        if local_name(row) == "tr"
    ]
    return rows_as_text(rows)


def _notes(box: ZipBox, slide: str) -> str:
    relations = slide.replace("slides/", "slides/_rels/") + ".rels"
    if relations not in box.names:
        return ""
    for relation in parse_xml(box.read(relations)):
        if relation.get("Type", "").endswith("/notesSlide"):
            name = "ppt/" + relation.get("Target", "").removeprefix("../").removeprefix("/ppt/")
            return _notes_text(box, name) if name in box.names else ""
    return ""


def _notes_text(box: ZipBox, name: str) -> str:
    paragraphs = [
        text
        for shape in _shapes(parse_xml(box.read(name)))
        if any(local_name(e) == "ph" and e.get("type") == "body" for e in shape.iter())
        for text in _paragraphs(shape)
    ]
    return "Notes: " + "\n".join(paragraphs) if paragraphs else ""


def is_pptx(names: set[str]) -> bool:
    """Whether a zip with these members is a PowerPoint presentation."""
    return "ppt/presentation.xml" in names
