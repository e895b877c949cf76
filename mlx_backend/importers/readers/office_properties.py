"""The title, author and date of office documents (Dublin Core in docProps/core.xml)."""

from __future__ import annotations

from dataclasses import dataclass

from mlx_backend.importers.document import SkippedFile
from mlx_backend.importers.readers.text import one_line, seconds_of
from mlx_backend.importers.readers.xml_tree import local_name, parse_xml
from mlx_backend.importers.readers.zip_box import ZipBox

_CORE = "docProps/core.xml"


@dataclass(frozen=True)
class Properties:
    """A document's metadata; "" or None for what it lacks. `created` is Unix time in seconds."""

    title: str = ""
    author: str = ""
    created: float | None = None


def office_properties(box: ZipBox, member: str = _CORE) -> Properties:
    """The properties of a document; empty ones when they cannot be read."""
    if member not in box.names:
        return Properties()
    try:
        root = parse_xml(box.read(member))
    except SkippedFile:
        return Properties()
    found: dict[str, str] = {}
    for element in root.iter():
        found.setdefault(local_name(element), one_line(element.text))
    created = found.get("created") or found.get("creation-date") or found.get("date")
    author = found.get("creator") or found.get("initial-creator") or ""
    return Properties(found.get("title", ""), author, seconds_of(created))
