"""Plain text in any encoding."""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes

from mlx_backend.importers.document import Document, Format, SkippedFile, SourceFile

_TITLE_LENGTH = 80
_LICENCES = frozenset({"license", "licence", "copying", "unlicense"})
_CODE = """
    .py .pyi .js .mjs .cjs .jsx .ts .tsx .c .h .cc .cpp .hpp .cs .java .kt .swift .m .mm .go .rs .rb
    .php .pl .lua .r .jl .scala .clj .ex .exs .erl .hs .ml .sh .bash .zsh .fish .ps1 .bat .css .scss
    .less .sass .vue .svelte .sql .yaml .yml .toml .ini .cfg .conf .lock .map .env .gradle .cmake
    .mk .patch .diff .plist .xib .pbxproj .canvas .ics .vcf
"""
TO_DO = "unless you add the file by itself"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_plain_text(source: SourceFile) -> list[Document]:
    """One document, with the text as it is. The title is a short first line, else the file's name.

    Raises SkippedFile for empty and binary files; and for program code, settings and licences,
    unless the person chose this very file.
    """
    if not source.chosen:
        _refuse_by_name(source)
    text = decode(source.data)
    first = text.lstrip().partition("\n")[0].strip()
    title = first if 0 < len(first) <= _TITLE_LENGTH else source.stem
    return [Document(title=title, text=text)]


def _refuse_by_name(source: SourceFile) -> None:
    if source.suffix in _CODE.split():
        raise SkippedFile(
            f"This is program code or settings ({source.suffix}), which are not read, {TO_DO}"
        )
    if source.name.lower().removesuffix(".txt") in _LICENCES:
        raise SkippedFile(f"This is a licence, which is not read, {TO_DO}")


def decode(data: bytes) -> str:
    r"""Decode bytes: by their byte order mark, else as UTF-8, else in the likeliest encoding.

    Line ends become `\n`. Raises SkippedFile when the text is empty or the data is binary.
    """
    text = _decode(data).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise SkippedFile("The file is empty")
    if "\0" in text:
        raise SkippedFile("The file holds binary data, not text")
    return text


def _decode(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise SkippedFile("The file's text encoding is damaged") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if b"\0" in data:
        raise SkippedFile("The file holds binary data, not text")
    best = from_bytes(data).best()
    if best is None:
        raise SkippedFile("The file's text encoding could not be recognised")
    return str(best)


FORMAT = Format(lambda _: True, read_plain_text)
