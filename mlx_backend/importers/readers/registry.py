"""The file formats that are read. A new format is a module in `readers` and a line here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mlx_backend.importers.document import (
    Format,
    Item,
    LargeReader,
    MemberReaders,
    SkippedFile,
    SourceFile,
)
from mlx_backend.importers.limits import too_large
from mlx_backend.importers.readers import (
    csv_file,
    html,
    json_reader,
    mail,
    mailbox,
    markdown,
    ole_file,
    org,
    pdf,
    plain_text,
    restructured_text,
    rtf,
    whatsapp,
    xml_file,
    zip_file,
)
from mlx_backend.importers.readers.binary_files import refuse_binary

# The first format that recognises a file reads it. Formats known by their first bytes come before
# text formats, and plain text, which takes any text, comes last.
FORMATS: tuple[Format, ...] = (
    pdf.FORMAT,
    zip_file.FORMAT,
    ole_file.FORMAT,
    rtf.FORMAT,
    markdown.FORMAT,
    org.FORMAT,
    restructured_text.FORMAT,
    csv_file.FORMAT,
    json_reader.FORMAT,
    xml_file.FORMAT,
    html.FORMAT,
    mailbox.FORMAT,
    mail.FORMAT,
    whatsapp.FORMAT,
    plain_text.FORMAT,
)


def read(source: SourceFile) -> Iterable[Item]:
    """The documents of a file, and its skipped parts.

    Raises SkippedFile, at once or during iteration, and whatever a parser raises on damaged input;
    so call it only in `reading_process`.
    """
    return _format_of(source).read(replace(source, member_readers=_member_readers()))


def large_reader(name: str, head: bytes, packed: bool = False) -> LargeReader:
    """The reader for a file too large to hold in memory. Raises SkippedFile when there is none.

    A file that is `packed` in an archive can only be read in sequence.
    """
    format_ = _format_of(SourceFile(name, head))
    if format_.read_large is None:
        raise SkippedFile(too_large(name))
    if packed and not format_.in_sequence:
        raise SkippedFile(too_large(name, to_do="unpack the archive and import its folder"))
    read_large = format_.read_large
    return lambda source: read_large(replace(source, member_readers=_member_readers()))


def _member_readers() -> MemberReaders:
    return MemberReaders(read, large_reader)


def _format_of(source: SourceFile) -> Format:
    refuse_binary(source.head)
    return next(format_ for format_ in FORMATS if format_.recognises(source))
