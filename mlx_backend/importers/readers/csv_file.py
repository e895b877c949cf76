"""CSV and TSV tables."""

from __future__ import annotations

import csv
import io

from mlx_backend.importers.document import Document, Format, SkippedFile, SourceFile
from mlx_backend.importers.readers.plain_text import decode
from mlx_backend.importers.readers.tables import rows_as_text

_SUFFIXES = frozenset({".csv", ".tsv", ".tab"})
_DELIMITERS = ",;\t|"
_SAMPLE = 20_000


def read_csv(source: SourceFile) -> list[Document]:
    """One document, with a line for each row. Raises SkippedFile when it is not a table."""
    text = decode(source.data)
    # The csv module limits the length of a cell; the whole file is limited already.
    csv.field_size_limit(len(text) + 1)
    try:
        rows = rows_as_text(csv.reader(io.StringIO(text), delimiter=_delimiter(source, text)))
    except csv.Error as error:
        raise SkippedFile("The file is damaged: its table cannot be read") from error
    if not rows:
        raise SkippedFile("The table is empty")
    return [Document(title=source.stem, text=rows + "\n", kind="table")]


def _delimiter(source: SourceFile, text: str) -> str:
    if source.suffix in (".tsv", ".tab"):
        return "\t"
    try:
        return (
            csv.Sniffer().sniff(text[:_SAMPLE].rpartition("\n")[0] or text, _DELIMITERS).delimiter
        )
    except csv.Error:
        return ","


FORMAT = Format(lambda source: source.suffix in _SUFFIXES, read_csv)
