from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.walk import FoundFile, count_files, find_files
from tests.mlx_backend.deep import deep_folder


def write(path: Path, text: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(source: Path) -> dict[str, str]:
    """The paths below `source`, each with the reason why it is not read."""
    return {str(file.path.relative_to(source)): file.reason for file in find_files(source)}


def test_all_files_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.txt", "a/b/c.md", "c.md"):
        write(tmp_path / name)
    assert list(found(tmp_path)) == ["a/b/c.md", "a/z.txt", "b.md", "c.md"]


def test_a_file_is_its_own_source(tmp_path: Path) -> None:
    path = write(tmp_path / "a.md", "12345")
    (file,) = find_files(path)
    assert file == FoundFile(path, path, 5, path.stat().st_mtime_ns)


def test_hidden_and_unwanted_ones_are_passed_over(tmp_path: Path) -> None:
    for name in (".a.md", ".git/b.md", "node_modules/c.md", "__pycache__/d.md", "e.md"):
        write(tmp_path / name)
    for number in range(3):
        write(tmp_path / "more" / str(number) / ".DS_Store")
        write(tmp_path / "more" / str(number) / ".b.md")
    files = found(tmp_path)
    assert list(files) == ["e.md", ".a.md"]
    assert files[".a.md"].endswith(
        ": 1 __pycache__ folder, 4 hidden files, 1 hidden folder, 1 node_modules folder here"
    )
    assert count_files(tmp_path) == 1


def test_folders_deeper_than_calls_are_walked(tmp_path: Path) -> None:
    write(tmp_path / "last.md")
    with deep_folder(tmp_path) as deepest:
        write(deepest / "deep.md")
        assert list(found(tmp_path).values()) == ["", ""]
        assert count_files(tmp_path) == 2


def test_what_lies_deeper_than_a_path_can_name_is_told(tmp_path: Path) -> None:
    write(tmp_path / "last.md")
    with deep_folder(tmp_path, 3_000):
        files = list(find_files(tmp_path))
        assert [file.unlisted for file in files] == [True, False]
        assert "too long for the system" in files[0].reason
        assert count_files(tmp_path) == 2


def test_a_library_is_not_taken_for_notes(tmp_path: Path) -> None:
    for name in ("b.md", "library/library.sqlite", "library/runs/report.md"):
        write(tmp_path / name)
    library, note = sorted(find_files(tmp_path), key=lambda file: file.path.name, reverse=True)
    assert "an Overnight library" in library.reason
    assert note == FoundFile(tmp_path / "b.md", tmp_path, 4, note.mtime_ns)
    (again,) = find_files(tmp_path / "library")
    assert "an Overnight library" in again.reason


def test_the_finders_own_files_are_not_worth_a_line(tmp_path: Path) -> None:
    for name in ("a.md", ".DS_Store", "b/.DS_Store"):
        write(tmp_path / name)
    assert found(tmp_path) == {"a.md": ""}


def test_links_are_named_and_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "secret.md").parent
    inside = tmp_path / "notes"
    write(inside / "a.md")
    (inside / "file.md").symlink_to(outside / "secret.md")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    (inside / "dangling.md").symlink_to(tmp_path / "gone")
    reasons = found(inside)
    assert reasons.pop("a.md") == ""
    assert reasons.keys() == {"file.md", "folder", "loop", "dangling.md"}
    assert all("link" in reason for reason in reasons.values())


def test_a_link_that_is_dropped_itself_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "real" / "a.md")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert list(found(tmp_path / "link")) == ["a.md"]


@pytest.mark.timeout(20)
def test_pipes_and_sockets_are_named_and_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    os.mkfifo("pipe.md")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.md")
        reasons = found(tmp_path)
    assert reasons.keys() == {"pipe.md", "socket.md"}
    assert all("not a file" in reason for reason in reasons.values())


def test_a_device_is_named(tmp_path: Path) -> None:
    (file,) = find_files(Path("/dev/zero"))
    assert "device" in file.reason


def test_strange_names_are_found(tmp_path: Path) -> None:
    names = ["né.md", "a\nb.md", "🎉.md", " .md", "-rf.md", "x" * 200 + ".md", "'; DROP.md"]
    for name in names:
        write(tmp_path / name)
    assert set(found(tmp_path)) == set(names)


def test_folders_may_be_deep(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 300)
    write(deep / "a.md")
    assert len(found(tmp_path)) == 1


def test_an_empty_folder_has_nothing(tmp_path: Path) -> None:
    assert found(tmp_path) == {}


def expect(kind: ErrorKind, path: Path) -> None:
    with pytest.raises(OvernightError) as caught:
        list(find_files(path))
    assert caught.value.kind is kind
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_missing_path(tmp_path: Path) -> None:
    expect(ErrorKind.PATH_MISSING, tmp_path / "gone")
    expect(ErrorKind.PATH_MISSING, write(tmp_path / "file.md") / "below")


def test_a_dangling_link_is_missing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    expect(ErrorKind.PATH_MISSING, tmp_path / "link")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    write(tmp_path / "open" / "a.md")
    (tmp_path / "closed").mkdir(mode=0)
    try:
        assert "cannot be read" in found(tmp_path)["closed"]
        expect(ErrorKind.UNREADABLE, tmp_path / "closed")
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_folder_that_the_system_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse access as to an ordinary user; the tests may run as root."""
    write(tmp_path / "closed" / "a.md")
    write(tmp_path / "open.md")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    reasons = found(tmp_path)
    assert "Permission denied" in reasons["closed"]
    assert reasons["open.md"] == ""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    expect(ErrorKind.UNREADABLE, tmp_path)


def test_what_can_be_seen_but_not_looked_at_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder whose names may be listed but whose files may not be inspected."""
    write(tmp_path / "a.md")

    class Hidden:
        name, path = "a.md", str(tmp_path / "a.md")

        def is_dir(self, *, follow_symlinks: bool) -> bool:
            raise PermissionError(13, "Permission denied", self.path)

        stat = is_dir

    monkeypatch.setattr(os, "scandir", lambda _: contextlib.nullcontext([Hidden()]))
    assert count_files(tmp_path) == 1
    (file,) = find_files(tmp_path)
    assert "Permission denied" in file.reason
    assert file.unlisted
