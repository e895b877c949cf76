"""If a parser crashes, hangs, grows or tries to break out, only its own file is skipped."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlx_backend.importers.document import SkippedFile
from mlx_backend.importers.opening import UnopenedFile, open_below
from mlx_backend.importers.sandbox import FileContent, ReadingLimits, Sandbox
from tests.mlx_backend.importers.samples import EVERY_FORMAT, zipped

_ROOT = Path(__file__).parents[3]


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox whose reader does what each line of the file says."""
    monkeypatch.setenv("PYTHONPATH", str(_ROOT))
    allowed = ReadingLimits(part_seconds=2.0)
    with Sandbox(allowed, "tests.mlx_backend.importers.misbehaving_process") as sandbox:
        yield sandbox


def do(sandbox: Sandbox, folder: Path, *acts: str) -> FileContent:
    path = folder / "acts.txt"
    path.write_text("\n".join(acts))
    return sandbox.read(folder, path)


def texts(content: FileContent) -> list[str]:
    return [document.text for document in content.documents]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("act", "reason"),
    [("crash", "stops its reader"), ("hang", "longer than 2 seconds"), ("spin", "longer than 2")],
)
def test_a_part_that_stops_its_reader_costs_itself(
    misbehaving: Sandbox, tmp_path: Path, act: str, reason: str
) -> None:
    content = do(misbehaving, tmp_path, "before", act, "after")
    assert texts(content) == ["before", "after"]
    (skipped,) = content.skipped
    assert skipped.part == "part 1"
    assert reason in skipped.reason
    assert texts(do(misbehaving, tmp_path, "next file")) == ["next file"]


def test_memory_ends(misbehaving: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SkippedFile, match="memory"):
        do(misbehaving, tmp_path, "grow")
    assert texts(do(misbehaving, tmp_path, "next file")) == ["next file"]


def test_a_reader_larger_than_allowed_is_ended(tmp_path: Path) -> None:
    """As on a Mac, where only the parent process measures memory."""
    (tmp_path / "page.html").write_bytes(EVERY_FORMAT["page.html"] * 50)
    with (
        Sandbox(ReadingLimits(memory=1)) as sandbox,
        pytest.raises(SkippedFile, match="memory"),
    ):
        sandbox.read(tmp_path, tmp_path / "page.html")


def test_a_reader_that_does_not_start_is_not_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("# A\n")
    with Sandbox() as sandbox:
        with monkeypatch.context() as patch:
            patch.setattr("mlx_backend.importers.sandbox._STARTS_WITHIN_S", 0.0)
            with pytest.raises(UnopenedFile, match="too busy"):
                sandbox.read(tmp_path, tmp_path / "a.md")
        assert texts(sandbox.read(tmp_path, tmp_path / "a.md")) == ["# A\n"]


def test_a_reader_reaches_nothing(misbehaving: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("The secret.")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = texts(
            do(
                misbehaving,
                tmp_path,
                f"open {secret}",
                "open /etc/passwd",
                f"write {tmp_path / 'new'}",
                f"delete {secret}",
                f"list {tmp_path}",
                f"connect {port}",
                "run /bin/true",
                "fork",
                f"kill {os.getpid()}",
            )
        )
    assert found == ["refused PermissionError"] * 9
    assert secret.read_text() == "The secret."
    assert not (tmp_path / "new").exists()


def test_what_kills_its_reader_again_and_again_is_skipped(
    misbehaving: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(SkippedFile, match="stops its reader"):
        do(misbehaving, tmp_path, *["crash"] * 10)


def test_known_content_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n")
    with Sandbox() as sandbox:
        first = sandbox.read(tmp_path, tmp_path / "a.md")
        again = sandbox.read(tmp_path, tmp_path / "a.md", first.sha256)
    assert not first.same
    assert (again.same, again.documents) == (True, [])


def test_every_format_is_read_behind_the_wall(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        for name, data in EVERY_FORMAT.items():
            path = tmp_path / Path(name).name
            path.write_bytes(data)
            assert sandbox.read(tmp_path, path).documents, name


def test_the_reading_process_is_light() -> None:
    code = "import sys, mlx_backend.importers.reading_process as r\n"
    code += "import mlx_backend.importers.readers.registry"
    heavy = "{'mlx', 'transformers', 'PySide6', 'tokenizers', 'trafilatura', 'bs4', 'pypdfium2'}"
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint({heavy} & set(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
    )
    assert found.stdout.strip() == "set()"


def test_links_below_the_chosen_folder_are_not_followed(tmp_path: Path) -> None:
    outside, chosen = tmp_path / "outside", tmp_path / "chosen"
    for folder in (outside, chosen):
        folder.mkdir()
    (outside / "secret.md").write_text("secret")
    (chosen / "file.md").symlink_to(outside / "secret.md")
    (chosen / "folder").symlink_to(outside)
    for name in ("file.md", "folder/secret.md"):
        with pytest.raises(UnopenedFile):
            open_below(chosen, chosen / name)
    with pytest.raises(ValueError, match="subpath"):
        open_below(chosen, outside / "secret.md")


@pytest.mark.timeout(20)
def test_a_pipe_in_a_files_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with pytest.raises(UnopenedFile, match="pipe"):
        open_below(tmp_path, tmp_path / "pipe.md")
    with pytest.raises(UnopenedFile, match="no longer"):
        open_below(tmp_path, tmp_path / "gone.md")


BOMB = b"0" * (60 << 20)
ENTITIES = "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
LAUGHS = (
    f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "lol">{ENTITIES}]>'
    "<rss><channel><item><title>&i;</title></item></channel></rss>"
)
EXTERNAL = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<rss><channel><item><title>&x;</title></item></channel></rss>"
)


def nested_zip(levels: int) -> bytes:
    data = b"# Deep\n"
    name = "deep.md"
    for _ in range(levels):
        data, name = zipped({name: data}), "inner.zip"
    return data


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("bomb.zip", zipped({"zeros.txt": BOMB}), "bomb"),
        ("bomb.docx", zipped({"word/document.xml": BOMB}), "bomb"),
        ("bomb.xlsx", zipped({"xl/workbook.xml": BOMB}), "bomb"),
        ("laughs.xml", LAUGHS.encode(), "entities"),
        ("external.xml", EXTERNAL.encode(), "entities"),
        ("laughs.docx", zipped({"word/document.xml": LAUGHS}), "entities"),
        ("nested.zip", nested_zip(5), "inside 3 archives"),
        ("up.zip", zipped({"../../up.md": "x"}), "leads out"),
        ("root.zip", zipped({"/etc/x.md": "x"}), "leads out"),
        ("long.zip", zipped({"x" * 5000 + ".md": "x"}), "too long"),
        ("control.zip", zipped({"a\x1bb.md": "x"}), "control"),
        ("deep.json", b"[" * 100_000, "nested|damaged"),
        ("deeper.json", b'{"a":' * 500 + b"1" + b"}" * 500, "nested"),
        ("deep.xml", b"<opml><body>" + b"<outline>" * 50_000, "damaged"),
        ("nul.md", b"text\0text", "binary"),
    ],
)
def test_attacks_are_skipped_with_a_reason(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with Sandbox() as sandbox:
        try:
            content = sandbox.read(tmp_path, tmp_path / name)
        except SkippedFile as skipped:
            reasons = [str(skipped)]
        else:
            assert content.documents == []
            reasons = [each.reason for each in content.skipped]
    assert any(re.search(reason, each) for each in reasons), reasons


def test_html_nested_deeply_is_read_or_skipped(tmp_path: Path) -> None:
    (tmp_path / "deep.html").write_bytes(b"<html><body>" + b"<div>" * 100_000 + b"text")
    with Sandbox() as sandbox, contextlib.suppress(SkippedFile):
        assert sandbox.read(tmp_path, tmp_path / "deep.html").documents
