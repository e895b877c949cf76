"""Files that are too large to be held: read a piece at a time, or told what to do about them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mlx_backend.importers import limits
from mlx_backend.importers.document import THE_REST, Document, SkippedFile, SkippedPart, Source
from mlx_backend.importers.registry import large_reader, read
from mlx_backend.importers.sandbox import FileContent, ReadingLimits, Sandbox
from tests.mlx_backend.importers.samples import DOCX

_PIECES = (limits.LARGEST_FILE >> 20) + 1


def write_zip(path: Path, name: str, begin: bytes) -> None:
    """A zip with a large file between two small ones."""
    with zipfile.ZipFile(path, "w") as box:
        box.writestr("a.md", "# A\n")
        with box.open(name, "w", force_zip64=True) as file:
            file.write(begin)
            for _ in range(_PIECES):
                file.write(bytes(1 << 20))
        box.writestr("c.docx", DOCX)


def read_whole(path: Path) -> FileContent:
    with Sandbox(ReadingLimits(memory=limits.WORN_MEMORY)) as sandbox:
        return sandbox.read(path.parent, path)


@pytest.mark.parametrize(
    ("name", "begin", "reason"),
    [
        ("film.mp4", b"\0\0\0\x18ftypmp42", "a film"),
        ("conversations.json", b'{"', "larger than 100 MB; split it into smaller files"),
    ],
)
def test_a_large_zip_is_read_file_by_file(
    tmp_path: Path, name: str, begin: bytes, reason: str
) -> None:
    write_zip(tmp_path / "export.zip", name, begin)
    content = read_whole(tmp_path / "export.zip")
    assert [document.part for document in content.documents] == ["a.md", "c.docx"]
    (skipped,) = content.skipped
    assert skipped.part == name
    assert reason in skipped.reason


def test_a_large_word_document_tells_what_to_do(tmp_path: Path) -> None:
    write_zip(tmp_path / "book.docx", "word/document.xml", b"<")
    with pytest.raises(SkippedFile, match="or with smaller pictures"):
        read_whole(tmp_path / "book.docx")


def test_a_large_export_of_evernote_is_read_note_by_note(tmp_path: Path) -> None:
    with (tmp_path / "notes.enex").open("wb") as file:
        file.write(b"<en-export><note><title>One</title><content>first</content><resource><data>")
        for _ in range(_PIECES):
            file.write(b"aGVsbG8=" * (1 << 17))
        file.write(b"</data></resource></note><note><title>Two</title><content>second</content>")
        file.write(b"</note></en-export>")
    content = read_whole(tmp_path / "notes.enex")
    assert [document.text for document in content.documents] == ["first\n", "second\n"]
    assert content.documents[0].left_out == "1 attached file"


@pytest.mark.parametrize("rest", ["<note><title>Tw", "<note></title>", ""])
def test_of_a_damaged_export_of_evernote_the_beginning_is_read(rest: str) -> None:
    note = "<note><title>One</title><content>first</content></note>"
    first, last = read_items(f"<en-export>{note}{rest}")
    assert first == "first\n"
    assert last == THE_REST
    with pytest.raises(SkippedFile, match="damaged"):
        read_items(f"<en-export>{rest}")


def read_items(text: str) -> list[str]:
    items = read(Source("a.enex", text.encode()))
    return [
        item.text if isinstance(item, Document) else item.part
        for item in items
        if isinstance(item, Document | SkippedPart)
    ]


@pytest.mark.parametrize(
    ("name", "head", "to_do"),
    [
        ("conversations.json", b"[{", "split it"),
        ("scan.pdf", b"%PDF-1.7", "smaller pictures"),
        ("notes.txt", b"words", "split it"),
    ],
)
def test_what_is_too_large_tells_what_to_do(name: str, head: bytes, to_do: str) -> None:
    with pytest.raises(SkippedFile, match=f"larger than 100 MB; .*{to_do}"):
        large_reader(name, head)
