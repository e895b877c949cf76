"""OpenDocument texts and presentations (ODT, ODP).

Elements: OASIS OpenDocument 1.3, part 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from mlx_backend.importers.document import Document, SkippedFile, SourceFile
from mlx_backend.importers.readers.losses import in_words
from mlx_backend.importers.readers.office_losses import office_losses
from mlx_backend.importers.readers.office_properties import office_properties
from mlx_backend.importers.readers.tables import rows_as_text
from mlx_backend.importers.readers.xml_tree import local_name, parse_xml
from mlx_backend.importers.readers.zip_box import ZipBox

_OUTSIDE = ("tracked-changes", "sequence-decls", "forms")
_DEEPEST = 200


def read_opendocument(source: SourceFile) -> list[Document]:
    """One document. Raises SkippedFile when it is damaged or has no text."""
    box = ZipBox(source.data)
    root = parse_xml(box.read("content.xml"))
    body = next((e for e in root if local_name(e) == "body"), root)
    text = "\n\n".join(block for block in _blocks(body, 0) if block.strip())
    if not text:
        raise SkippedFile("The document has no text")
    about = office_properties(box, "meta.xml")
    losses = office_losses(box)
    losses["deletion"] += sum(local_name(element) == "deletion" for element in body.iter())
    return [
        Document(
            title=about.title or source.stem,
            text=text + "\n",
            kind="odt",
            created=about.created,
            author=about.author,
            left_out=in_words(losses),
        )
    ]


def _blocks(element: Element, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise RecursionError
    for child in element:
        name = local_name(child)
        if name == "h":
            level = next((v for k, v in child.attrib.items() if k.endswith("outline-level")), "1")
            yield "#" * min(int(level) if level.isdigit() else 1, 6) + " " + _inline(child).strip()
        elif name == "p":
            yield _inline(child).strip()
        elif name == "list":
            yield "\n".join(_items(child, 0))
        elif name == "table":
            yield rows_as_text(_rows(child))
        elif name not in _OUTSIDE:
            yield from _blocks(child, depth + 1)


def _items(element: Element, level: int) -> Iterator[str]:
    if level > _DEEPEST:
        raise RecursionError
    for item in element:
        for child in item:
            if local_name(child) == "list":
                yield from _items(child, level + 1)
            else:
                yield "  " * level + "- " + _inline(child).strip()


def _rows(table: Element) -> Iterator[list[str]]:
    for row in table.iter():
        if local_name(row) == "table-row":
            cells = (e for e in row if local_name(e) == "table-cell")
            yield [
                " ".join(_inline(p) for p in cell.iter() if local_name(p) == "p") for cell in cells
            ]


def _inline(element: Element) -> str:
    pieces = [element.text or ""]
    for child in element:
        name = local_name(child)
        if name == "s":
            count = next((v for k, v in child.attrib.items() if k.endswith("}c")), "1")
            pieces.append(" " * min(int(count) if count.isdigit() else 1, 100))
        elif name in ("tab", "line-break"):
            pieces.append("\t" if name == "tab" else "\n")
        elif name == "note":
            pieces.append(" (" + " ".join("".join(child.itertext()).split()) + ")")
        elif name != "annotation-end":
            pieces.append(_inline(child))
        pieces.append(child.tail or "")
    return "".join(pieces)


def is_opendocument(mimetype: bytes) -> bool:
    """Whether a zip's `mimetype` member names a text or a presentation."""
    return mimetype.startswith(
        (
            b"application/vnd.oasis.opendocument.text",
            b"application/vnd.oasis.opendocument.presentation",
        )
    )
