"""Word documents (DOCX), through mammoth: headings, lists, tables and notes become Markdown."""

from __future__ import annotations

import io
import zipfile
from xml.etree.ElementTree import Element, SubElement, tostring

from mlx_backend.importers.document import Document, SkippedFile, SourceFile
from mlx_backend.importers.readers.html_text import html_to_markdown
from mlx_backend.importers.readers.losses import in_words
from mlx_backend.importers.readers.office_losses import office_losses
from mlx_backend.importers.readers.office_math import formula_text
from mlx_backend.importers.readers.office_properties import office_properties
from mlx_backend.importers.readers.xml_tree import local_name, parse_xml
from mlx_backend.importers.readers.zip_box import ZipBox

_BODY = "word/document.xml"
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STYLES = "comment-reference => sup"


def read_docx(source: SourceFile) -> list[Document]:
    """One document. Raises SkippedFile when it is damaged or has no text."""
    import mammoth

    box = ZipBox(source.data)
    for member in box.members:
        data = box.read_member(member) if member.filename.endswith((".xml", ".rels")) else b""
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise SkippedFile("It defines XML entities, which are not safe to expand")
    html = mammoth.convert_to_html(
        io.BytesIO(_with_plain_formulas(source.data, box)),
        style_map=_STYLES,
        convert_image=mammoth.images.img_element(_nowhere),
    ).value
    text, losses = html_to_markdown(html)
    if not text.strip():
        raise SkippedFile("The document has no text")
    about = office_properties(box)
    return [
        Document(
            title=about.title or source.stem,
            text=text,
            kind="docx",
            created=about.created,
            author=about.author,
            left_out=in_words(losses | office_losses(box)),
        )
    ]


def _nowhere(image: object) -> dict[str, str]:
    """Attributes of a picture without its data: only its description is wanted."""
    return {"src": ""}


def _with_plain_formulas(data: bytes, box: ZipBox) -> bytes:
    """The bytes of the document with its formulas as text, because mammoth drops formulas."""
    body = box.read(_BODY)
    if b"oMath" not in body:
        return data
    root = parse_xml(body)
    for parent in list(root.iter()):
        for at, child in enumerate(parent):
            if local_name(child) == "oMath":
                parent[at] = _run(formula_text(child), child.tail)
    for parent in list(root.iter()):
        for at, child in enumerate(list(parent)):
            if local_name(child) == "oMathPara":
                parent[at : at + 1] = list(child)
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as file:
        for member in box.members:
            same = member.filename != _BODY
            content = box.read_member(member) if same else tostring(root)
            file.writestr(member.filename, content)
    return copy.getvalue()


def _run(text: str, tail: str | None) -> Element:
    run = Element(f"{_WORD}r")
    SubElement(run, f"{_WORD}t").text = f"${text}$" if text else ""
    run.tail = tail
    return run


def is_docx(names: set[str]) -> bool:
    """Whether a zip with these members is a Word document."""
    return _BODY in names
