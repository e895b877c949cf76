"""Files too large for memory: read a piece at a time, or skipped with advice."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlx_backend.importers import limits
from mlx_backend.importers.document import (
    THE_REST,
    Document,
    EnteredPart,
    Item,
    LargeSourceFile,
    SkippedFile,
    SkippedPart,
    SourceFile,
)
from mlx_backend.importers.readers import json_array
from mlx_backend.importers.readers.registry import large_reader, read
from mlx_backend.importers.sandbox import FileContent, ReadingLimits, Sandbox
from tests.mlx_backend.importers import samples
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


def conversations(number: int) -> Iterator[str]:
    """A JSON list of conversations, each with 2 MB of data that no note needs."""
    for each in range(number):
        message = {"sender": "human", "text": f"Which knot is number {each}?", "files": "x" * 2**21}
        begin = "," if each else "["
        yield begin + json.dumps({"name": f"Knot {each}", "chat_messages": [message]})
    yield "]"


@pytest.mark.parametrize("name", ["conversations.json", "export.zip"])
def test_large_exports_of_conversations_are_read_one_at_a_time(tmp_path: Path, name: str) -> None:
    path, number = tmp_path / "conversations.json", _PIECES // 2 + 1
    with path.open("w") as file:
        file.writelines(conversations(number))
    if name != path.name:
        with zipfile.ZipFile(tmp_path / name, "w") as box:
            box.write(path, path.name)
    content = read_whole(tmp_path / name)
    assert [document.title for document in content.documents] == [
        f"Knot {each}" for each in range(number)
    ]
    assert content.documents[7].text == "**You:**\n\nWhich knot is number 7?\n"
    assert content.documents[7].part.endswith("Knot 7")
    assert not content.skipped


def test_a_large_mailbox_in_a_zip_tells_what_to_do(tmp_path: Path) -> None:
    write_zip(tmp_path / "takeout.zip", "all.mbox", samples.MBOX)
    (skipped,) = read_whole(tmp_path / "takeout.zip").skipped
    assert skipped == SkippedPart(
        "all.mbox", "The file is larger than 100 MB; unpack the archive and import its folder"
    )


def test_a_bomb_of_json_in_a_zip_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(
        tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1
    ) as box:
        box.writestr("conversations.json", "[" + " " * (101 << 20))
        box.writestr("a.md", "# A\n")
    content = read_whole(tmp_path / "export.zip")
    assert [document.part for document in content.documents] == ["a.md"]
    assert "zip bomb" in content.skipped[0].reason


def read_large(data: bytes, excluded_parts: frozenset[str] = frozenset()) -> list[Item]:
    source = LargeSourceFile("conversations.json", data[:4096], io.BytesIO(data), excluded_parts)
    items = large_reader(source.name, source.head)(source)
    return [item for item in items if not isinstance(item, EnteredPart)]


@pytest.mark.parametrize("export", [samples.CHATGPT, samples.CLAUDE])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_conversations_are_the_same_a_piece_at_a_time(
    export: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_array, "_CHUNK", chunk)
    two = json.dumps(json.loads(export) * 2, indent=1).replace("Wh", "\u00e9\U0001f6f6")
    whole = list(read(SourceFile("conversations.json", two.encode())))
    assert len(whole) == 2
    assert read_large(two.encode()) == whole
    assert read_large(two.encode("utf-8-sig")) == whole
    assert read_large(two.encode(), frozenset({"conversation 1"})) == whole[1:]


_ONE = samples.CLAUDE[1:-1]


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("", "damaged"),
        ("{", "damaged"),
        (_ONE[:-1], "damaged"),
        ('{"a": 1}]', "not a conversation"),
        ("[" * 200_000, "nested too deeply"),
        ("1" * 5000 + "]", "damaged"),
        ('"\udcff"]', "not a conversation"),
        ('"' + "x" * (17 << 20), "longer than 16 MB"),
        ("," * (3 << 20) + _ONE + "]", ""),
        (_ONE.replace("knot", "\udcff") + "]", ""),
    ],
)
def test_of_a_damaged_list_of_conversations_the_beginning_is_read(rest: str, reason: str) -> None:
    first, *others = read_large(f"[{_ONE},{rest}".encode(errors="surrogateescape"))
    assert isinstance(first, Document)
    assert first.title == "Knots"
    (last,) = others
    if reason:
        assert isinstance(last, SkippedPart)
        assert last.part == THE_REST
        assert reason in last.reason
    else:
        assert isinstance(last, Document)


@pytest.mark.parametrize("text", ["", " ", "[]", "[1]", "{}", '[{"a": 1}]', "[" * 99999, "null"])
def test_other_json_that_is_too_large_tells_what_to_do(text: str) -> None:
    with pytest.raises(SkippedFile, match="larger than 100 MB; split it"):
        read_large(text.encode())


@pytest.mark.parametrize("rest", ["<note><title>Tw", "<note></title>", ""])
def test_of_a_damaged_export_of_evernote_the_beginning_is_read(rest: str) -> None:
    note = "<note><title>One</title><content>first</content></note>"
    first, last = read_items(f"<en-export>{note}{rest}")
    assert first == "first\n"
    assert last == THE_REST
    with pytest.raises(SkippedFile, match="damaged"):
        read_items(f"<en-export>{rest}")


def read_items(text: str) -> list[str]:
    items = read(SourceFile("a.enex", text.encode()))
    return [
        item.text if isinstance(item, Document) else item.part
        for item in items
        if isinstance(item, Document | SkippedPart)
    ]


@pytest.mark.parametrize(
    ("name", "head", "to_do"),
    [
        ("words.csv", b"a,b", "split it"),
        ("scan.pdf", b"%PDF-1.7", "smaller pictures"),
        ("notes.txt", b"words", "split it"),
    ],
)
def test_what_is_too_large_tells_what_to_do(name: str, head: bytes, to_do: str) -> None:
    with pytest.raises(SkippedFile, match=f"larger than 100 MB; .*{to_do}"):
        large_reader(name, head)
