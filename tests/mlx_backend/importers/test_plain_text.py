from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.importers.document import SkippedFile, SourceFile
from mlx_backend.importers.readers.plain_text import decode, read_plain_text

_TEXT = "Café à la crème, naïve: 3 €\nzweite Zeile\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
    ],
)
def test_unicode_with_and_without_a_mark(encoding: str, mark: bytes) -> None:
    assert decode(mark + _TEXT.encode(encoding)) == _TEXT


def test_latin_1_is_recognised() -> None:
    text = "Das Mädchen aß über Ostern süße Äpfel. Der Müller trägt große Säcke.\n" * 5
    assert decode(text.encode("latin-1")) == text


@pytest.mark.parametrize("data", [b"a\r\nb\rc\n", codecs.BOM_UTF8 + b"a\r\nb\rc\n"])
def test_line_ends_are_made_the_same(data: bytes) -> None:
    assert decode(data) == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t \r\n", "empty"),
        (codecs.BOM_UTF8, "empty"),
        (codecs.BOM_UTF16_LE, "empty"),
        (b"text\0text", "binary"),
        (b"\0" * 100, "binary"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe", "binary"),
        (codecs.BOM_UTF16_LE + b"a", "damaged"),
        (codecs.BOM_UTF8 + b"\xff\xff", "damaged"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8", "damaged"),
    ],
)
def test_what_is_no_text_is_skipped(data: bytes, reason: str) -> None:
    with pytest.raises(SkippedFile, match=reason):
        decode(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_skipped(data: bytes) -> None:
    try:
        text = decode(data)
    except SkippedFile:
        return
    assert text.strip()
    assert "\r" not in text
    text.encode("utf-8")  # no lone surrogate gets into the library


@given(st.text().filter(lambda text: text.strip() and "\0" not in text and text[0] != "\ufeff"))
def test_utf_8_comes_through_unchanged(text: str) -> None:
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert decode(text.encode()) == expected


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Garden plan\n\nPotatoes", "Garden plan"),
        ("\n\n  Second line first \nx", "Second line first"),
        ("x" * 80, "x" * 80),
        ("x" * 81 + "\nshort", "stem"),
    ],
)
def test_titles(text: str, title: str) -> None:
    (document,) = read_plain_text(SourceFile("stem.txt", text.encode()))
    assert document.title == title
