"""Spreadsheets (XLSX, XLS, ODS), through Calamine: a section for each sheet, a line a row."""

from __future__ import annotations

import io

from mlx_backend.importers.document import Document, SkippedFile, SourceFile
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.office_losses import office_losses, old_workbook_losses
from mlx_backend.importers.readers.tables import rows_as_text
from mlx_backend.importers.readers.zip_box import ZipBox


def read_spreadsheet(source: SourceFile) -> list[Document]:
    """One document. Raises SkippedFile when it is damaged or has no cells."""
    from python_calamine import CalamineError, CalamineWorkbook

    losses = _losses(source.data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(source.data))
        sections = []
        for name in workbook.sheet_names:
            rows = rows_as_text(workbook.get_sheet_by_name(name).iter_rows())
            if rows:
                sections.append(f"## {name}\n\n{rows}")
    except CalamineError as error:
        raise SkippedFile("The spreadsheet is damaged or protected by a password") from error
    if not sections:
        raise SkippedFile("The spreadsheet is empty")
    text = "\n\n".join(sections) + "\n"
    return [Document(source.stem, text, kind="table", left_out=in_words(losses))]


def _losses(data: bytes) -> Losses:
    if not data.startswith(b"PK"):
        return old_workbook_losses(data)
    box = ZipBox(data)
    for member in box.members:
        box.read_member(member)  # raises for a zip bomb
    return office_losses(box)


def is_spreadsheet(names: set[str]) -> bool:
    """Whether a zip with these members is an Excel workbook."""
    return "xl/workbook.xml" in names or "xl/workbook.bin" in names
