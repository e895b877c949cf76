"""The pictures on a page of a PDF, found without decoding any of them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

_SMALLEST = 16  # pixels; smaller images are lines, dots or strips of a gradient
_MOST_OBJECTS = 20_000  # on one page; plans and charts can have millions of strokes
_DEEPEST = 5


@dataclass(frozen=True)
class Picture:
    """What distinguishes pictures: width and height in pixels, and length of the data in bytes."""

    width: int
    height: int
    length: int


def pictures_on(page: object) -> set[Picture]:
    """The distinct pictures on an open page of pypdfium2, including those in its forms.

    Uses PDFium's C functions, because pypdfium2's wrappers would take a quarter of the time that
    the text takes.
    """
    import pypdfium2.raw as pdfium

    looked_at = islice(_objects(page), _MOST_OBJECTS)
    kind = pdfium.FPDF_PAGEOBJ_IMAGE
    found = {_picture(each) for each in looked_at if pdfium.FPDFPageObj_GetType(each) == kind}
    return {picture for picture in found if min(picture.width, picture.height) >= _SMALLEST}


def _objects(page: object) -> Iterator[object]:
    import pypdfium2.raw as pdfium

    for number in range(pdfium.FPDFPage_CountObjects(page)):
        yield from _with_inner(pdfium.FPDFPage_GetObject(page, number), 0)


def _with_inner(each: object, depth: int) -> Iterator[object]:
    import pypdfium2.raw as pdfium

    yield each
    if depth < _DEEPEST and pdfium.FPDFPageObj_GetType(each) == pdfium.FPDF_PAGEOBJ_FORM:
        for number in range(pdfium.FPDFFormObj_CountObjects(each)):
            yield from _with_inner(pdfium.FPDFFormObj_GetObject(each, number), depth + 1)


def _picture(image: object) -> Picture:
    import pypdfium2.raw as pdfium

    width, height = ctypes.c_uint(), ctypes.c_uint()
    pdfium.FPDFImageObj_GetImagePixelSize(image, width, height)
    return Picture(width.value, height.value, pdfium.FPDFImageObj_GetImageDataRaw(image, None, 0))
