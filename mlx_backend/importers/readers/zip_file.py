"""Zip files: office documents, EPUB books, and archives of files."""

from __future__ import annotations

from collections.abc import Iterable

from mlx_backend.importers.document import (
    Format,
    Item,
    LargeSourceFile,
    Reader,
    SkippedFile,
    SourceFile,
)
from mlx_backend.importers.limits import LARGEST_IN_PIECES, too_large
from mlx_backend.importers.readers.archive import read_archive, read_large_archive
from mlx_backend.importers.readers.docx import is_docx, read_docx
from mlx_backend.importers.readers.epub import is_epub, read_epub
from mlx_backend.importers.readers.opendocument import is_opendocument, read_opendocument
from mlx_backend.importers.readers.pptx import is_pptx, read_pptx
from mlx_backend.importers.readers.spreadsheet import is_spreadsheet, read_spreadsheet
from mlx_backend.importers.readers.zip_box import ZipBox

_ODS = b"application/vnd.oasis.opendocument.spreadsheet"


def read_zip(source: SourceFile) -> Iterable[Item]:
    """The documents in the file. Raises SkippedFile when it is damaged, a zip bomb, or has none."""
    return _reader(ZipBox(source.data, LARGEST_IN_PIECES))(source)


def read_large_zip(source: LargeSourceFile) -> Iterable[Item]:
    """`read_zip` for a large file; of these, only archives are read."""
    if _reader(ZipBox(source.file, LARGEST_IN_PIECES)) is not read_archive:
        raise SkippedFile(too_large(source.name))
    return read_large_archive(source)


def _reader(box: ZipBox) -> Reader:
    names = box.names
    mimetype = box.read("mimetype") if "mimetype" in names else b""
    if is_docx(names):
        return read_docx
    if is_pptx(names):
        return read_pptx
    if is_spreadsheet(names) or mimetype.startswith(_ODS):
        return read_spreadsheet
    if is_opendocument(mimetype):
        return read_opendocument
    if is_epub(mimetype, names):
        return read_epub
    if "Index/Document.iwa" in names or "Index.zip" in names:
        raise SkippedFile("This is a Pages, Numbers or Keynote file; export it as PDF or Word")
    return read_archive


FORMAT = Format(
    lambda source: source.head.startswith((b"PK\3\4", b"PK\5\6")), read_zip, read_large_zip
)
