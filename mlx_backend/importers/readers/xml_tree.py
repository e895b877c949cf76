"""Parsing XML safely."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from mlx_backend.importers.document import SkippedFile


def parse_xml(data: bytes) -> Element:
    """The root element of an XML document. Raises SkippedFile as `xml_refused` does."""
    from defusedxml.ElementTree import fromstring

    with xml_refused():
        root: Element = fromstring(data)
    return root


@contextlib.contextmanager
def xml_refused() -> Iterator[None]:
    """Turn the errors of XML parsers into SkippedFile: damaged XML, and XML that defines entities.

    A few hundred bytes of entities can expand to gigabytes, or read another file.
    """
    from defusedxml import DefusedXmlException

    try:
        yield
    except DefusedXmlException as error:
        raise SkippedFile("It defines XML entities, which are not safe to expand") from error
    except (ParseError, ValueError, LookupError) as error:
        raise SkippedFile("The file is damaged: its XML cannot be read") from error


def local_name(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child_text(element: Element, *names: str) -> str:
    """The text of the first child called `names[0]`, else `names[1]`, and so on; "" without one."""
    for name in names:
        for child in element:
            if local_name(child) == name:
                return "".join(child.itertext()).strip()
    return ""
