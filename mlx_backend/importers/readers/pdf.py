"""PDF, through PDFium."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlx_backend.importers.document import Document, Format, SkippedFile, SourceFile
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.pdf_pictures import Picture, pictures_on
from mlx_backend.importers.readers.text import one_line, seconds_of
from mlx_backend.importers.readers.wrapped_lines import join_wrapped_lines

_LIGATURES = str.maketrans(
    {
        "ﬀ": "ff",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
        "ﬅ": "st",
        "ﬆ": "st",
        "\xa0": " ",
        "\xad": None,
    }
)
_HYPHEN_MARK = re.compile("[\x02\ufffe]\n?")  # what PDFium puts where a word was hyphenated
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?")
_NO_TITLE = frozenset({"untitled", "anonymous", "(anonymous)", "unspecified", "(unspecified)"})
_PASSWORD_NEEDED = 4  # FPDF_ERR_PASSWORD


@dataclass(frozen=True)
class _Page:
    """The text of a page as PDFium gives it, and the pictures on a page with text."""

    text: str = ""
    pictures: frozenset[Picture] = frozenset()


def read_pdf(source: SourceFile) -> list[Document]:
    """One document of all pages. Raises SkippedFile for scans and when it cannot be opened."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(source.data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_NEEDED:
            raise SkippedFile("The PDF is protected by a password") from error
        raise SkippedFile("The PDF is damaged and cannot be opened") from error
    try:
        pages = [_page(pdf, number) for number in range(len(pdf))]
        fields = pdf.get_metadata_dict()
    finally:
        pdf.close()
    joined = join_wrapped_lines([page.text for page in pages])
    text = "\n\n".join(page for page in joined if page.strip())
    if not text.strip():
        raise SkippedFile("The PDF has no text: it is a scan" if pages else "The PDF has no pages")
    return [
        Document(
            title=_field(fields, "Title") or source.stem,
            text=text + "\n",
            kind="pdf",
            created=_date(fields.get("CreationDate", "")),
            author=_field(fields, "Author"),
            left_out=_left_out(pages),
        )
    ]


def _page(pdf: object, number: int) -> _Page:
    import pypdfium2

    try:
        page = pdf[number]  # type: ignore[index]
        text = page.get_textpage()
        found = str(text.get_text_range())
        # A page without text is reported as a whole.
        pictures = frozenset(pictures_on(page)) if found.strip() else frozenset()
        text.close()
        page.close()
    except pypdfium2.PdfiumError:
        return _Page()  # the other pages are read all the same
    found = found.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return _Page(_HYPHEN_MARK.sub("-\n", found).translate(_LIGATURES), pictures)


def _field(fields: dict[str, str], name: str) -> str:
    value = one_line(fields.get(name, ""))
    return "" if value.lower() in _NO_TITLE else value


def _date(text: str) -> float | None:
    """A date in the format of PDF 32000-1:2008, 7.9.4, as Unix time; ignores the time zone."""
    found = _DATE.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (part or "" for part in found.groups())
    return seconds_of(
        f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}"
    )


def _left_out(pages: list[_Page]) -> str:
    """The pages without text, and the distinct pictures on the others, in words."""
    empty = sum(not page.text.strip() for page in pages)
    scanned = f"{empty} of {len(pages)} pages, which have no text" if empty else ""
    pictures = {picture for page in pages for picture in page.pictures}
    return in_words(Losses({"picture": len(pictures)}), scanned)


FORMAT = Format(lambda source: b"%PDF-" in source.head[:1024], read_pdf)
