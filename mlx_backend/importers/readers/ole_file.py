"""Microsoft's older container format (OLE2): Excel workbooks and Outlook messages are read."""

from __future__ import annotations

import io
from collections.abc import Iterable

from mlx_backend.importers.document import Format, Item, SkippedFile, SourceFile
from mlx_backend.importers.readers.outlook import read_outlook
from mlx_backend.importers.readers.spreadsheet import read_spreadsheet

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_ole(source: SourceFile) -> Iterable[Item]:
    """The documents in the file. Raises SkippedFile for other contents and for damaged files."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(source.data)) as ole:
            streams = {entry[0] for entry in ole.listdir() if entry}
    except (OSError, ValueError, IndexError) as error:
        raise SkippedFile("The file is damaged and cannot be opened") from error
    if "__properties_version1.0" in streams:
        return read_outlook(source)
    if streams & {"Workbook", "Book"}:
        return read_spreadsheet(source)
    if "EncryptedPackage" in streams:
        raise SkippedFile("It is protected by a password")
    if "WordDocument" in streams:
        raise SkippedFile("This is an old Word file (.doc); save it as .docx or PDF")
    if "PowerPoint Document" in streams:
        raise SkippedFile("This is an old PowerPoint file (.ppt); save it as .pptx or PDF")
    raise SkippedFile("This kind of Microsoft file is not read")


FORMAT = Format(lambda source: source.head.startswith(_MAGIC), read_ole)
