from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mlx_backend import files
from mlx_backend.files import (
    folder_bytes,
    remove_folder,
    remove_tree,
    sha256_of_file,
    sweep_leftovers,
    write_atomically,
    write_file_atomically,
    write_folder_atomically,
)
from tests.mlx_backend.deep import make_deep_folder


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_content_replaces_the_old(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_old_content_stays_when_the_disk_fills_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(files, "sync_file", full_disk)
    with pytest.raises(OSError, match="space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_old_content_stays_when_the_renaming_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_content_is_on_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    there: list[bool] = []

    def record(descriptor: int) -> None:
        os.fsync(descriptor)
        there.append(path.exists())

    monkeypatch.setattr(files, "sync_file", record)
    write_atomically(path, b"new")
    assert there == [False, True]  # the file itself, then the folder's entry


def test_a_volume_that_knows_only_plain_flushing_takes_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def refuse(descriptor: int, command: int) -> int:
        asked.append(command)
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert asked == [51, 51]  # the file, and its folder


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder"

    def fill(beside: Path) -> None:
        assert not path.exists()
        (beside / "a").write_text("1")
        (beside / "sub").mkdir()
        (beside / "sub" / "b").write_text("2")

    write_folder_atomically(path, fill)
    assert names(path) == ["a", "sub"]
    assert (path / "sub" / "b").read_text() == "2"
    assert names(path.parent) == ["folder"]


def test_a_folder_is_never_half_there(tmp_path: Path) -> None:
    def fill(beside: Path) -> None:
        (beside / "a").write_text("1")
        full_disk()

    with pytest.raises(OSError, match="space"):
        write_folder_atomically(tmp_path / "folder", fill)
    assert names(tmp_path) == []


def test_a_folder_whose_flushing_fails_is_never_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "sync_file", full_disk)
    with pytest.raises(OSError, match="space"):
        write_folder_atomically(tmp_path / "folder", lambda beside: None)
    assert names(tmp_path) == []


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "mine").write_text("1")
    with pytest.raises(FileExistsError):
        write_folder_atomically(path, lambda beside: None)
    assert names(path) == ["mine"]
    assert names(tmp_path) == ["folder"]


def test_what_a_killed_writer_left_does_not_get_in(tmp_path: Path) -> None:
    left = tmp_path / f".folder.{os.getpid()}.part"
    left.mkdir()
    (left / "stale").write_text("1")
    write_folder_atomically(tmp_path / "folder", lambda beside: None)
    assert names(tmp_path / "folder") == []


def test_hash_of_a_file_larger_than_a_chunk(tmp_path: Path) -> None:
    data = os.urandom((1 << 20) + 17)
    (tmp_path / "file").write_bytes(data)
    assert sha256_of_file(tmp_path / "file") == hashlib.sha256(data).hexdigest()


def test_folder_bytes_counts_all_files_below(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "sub" / "b").write_bytes(b"45")
    assert folder_bytes(tmp_path) == 5


def test_a_folder_goes_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").write_bytes(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(files, "remove_tree", lambda *given, **named: None)  # cut short there
        remove_folder(tmp_path / "old")
    assert names(tmp_path) == [f".old.{os.getpid()}.part"]
    (tmp_path / "new").mkdir()
    remove_folder(tmp_path / "new")
    assert "new" not in names(tmp_path)


def test_a_folder_deeper_than_calls_can_be_written_measured_and_removed(tmp_path: Path) -> None:
    def fill(beside: Path) -> None:
        (make_deep_folder(beside) / "file").write_bytes(b"12345")

    write_folder_atomically(tmp_path / "deep", fill)
    assert folder_bytes(tmp_path / "deep") == 5
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "deep" / "link").symlink_to(tmp_path / "kept")
    remove_folder(tmp_path / "deep")
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["file"]
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "link")
    assert names(tmp_path / "kept") == ["file"]
    with pytest.raises(FileNotFoundError):
        remove_tree(tmp_path / "gone", must_succeed=True)


def test_only_leftovers_of_dead_processes_are_swept(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".file.{dead.pid}.part").write_bytes(b"half")
    (tmp_path / f".folder.{dead.pid}.part").mkdir()
    (tmp_path / f".folder.{dead.pid}.part" / "file").write_bytes(b"half")
    kept = [f".file.{os.getpid()}.part", ".file.part", ".file.x.part", ".hidden", "mine.1.part"]
    for name in kept:
        (tmp_path / name).touch()
    sweep_leftovers(tmp_path)
    assert names(tmp_path) == sorted(kept)
    sweep_leftovers(tmp_path / "gone")


WRITER = """
import sys, time
from pathlib import Path
from mlx_backend.files import write_file_atomically, write_folder_atomically

def fill(beside):
    (beside if sys.argv[1] == "file" else beside / "half").write_text("half")
    print(flush=True)
    time.sleep(60)

write = write_file_atomically if sys.argv[1] == "file" else write_folder_atomically
write(Path(sys.argv[2]), fill)
"""


@contextlib.contextmanager
def writing(kind: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has written half of a file or folder, and waits."""
    words = [sys.executable, "-c", WRITER, kind, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        yield writer
        writer.kill()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_goes_when_the_same_is_written_again(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "out"
    with writing(kind, path) as killed:
        killed.kill()
        killed.wait()
    left = f".out.{killed.pid}.part"
    foreign = [f".other.{killed.pid}.part", ".out.part", ".out.x.part", f"out.{killed.pid}.part"]
    for name in foreign:
        (tmp_path / name).touch()
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / ".out.999999999.part").symlink_to("elsewhere")
    with writing(kind, path) as alive:
        there = {*foreign, "elsewhere", ".out.999999999.part", f".out.{alive.pid}.part"}
        assert left not in names(tmp_path)
        write_file_atomically(path, lambda beside: None)
        assert set(names(tmp_path)) == there | {"out"}
    assert (tmp_path / "elsewhere").read_text() == "mine"


@pytest.mark.parametrize(("began_after_s", "goes"), [(-60.0, False), (60.0, True)])
def test_the_id_of_a_killed_writer_may_be_another_process_s_by_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, began_after_s: float, goes: bool
) -> None:
    left = tmp_path / f".out.{os.getppid()}.part"
    left.write_text("half")
    began = left.stat().st_ctime + began_after_s
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: began)
    write_folder_atomically(tmp_path / "out", lambda beside: None)
    assert left.exists() is not goes


def two_folders(parent: Path) -> tuple[Path, Path]:
    for name in ("one", "two"):
        (parent / name).mkdir()
        (parent / name / "said").write_text(name)
    return parent / "one", parent / "two"


@pytest.mark.parametrize("at_once", [True, False])
def test_two_folders_take_each_other_s_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    def cannot(path: Path, other: Path) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    if not at_once:
        monkeypatch.setattr(files, "_exchange", cannot)
    one, two = two_folders(tmp_path)
    files.exchange_folders(one, two)
    assert (one / "said").read_text() == "two"
    assert (two / "said").read_text() == "one"
    files.settle_exchange(one)
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


def test_an_exchange_with_nothing_fails(tmp_path: Path) -> None:
    one, _ = two_folders(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.exchange_folders(one, tmp_path / "three")
    assert (one / "said").read_text() == "one"


@pytest.mark.parametrize("ends_after", [1, 2])
def test_a_crash_within_an_exchange_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_after: int
) -> None:
    """Of file systems that cannot exchange two folders at once."""
    one, two = two_folders(tmp_path)
    one.rename(tmp_path / ".one.before")
    if ends_after == 2:
        two.rename(one)
    files.settle_exchange(one)
    assert (one / "said").read_text() == ("one" if ends_after == 1 else "two")
    assert not (tmp_path / ".one.before").exists()


@pytest.mark.parametrize("links", [True, False])
def test_what_appears_while_a_file_is_written_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "no hard links")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    target = tmp_path / "out"

    def write_ours(beside: Path) -> None:
        beside.write_text("ours")

    def fill(beside: Path) -> None:
        write_ours(beside)
        target.write_text("theirs")

    with pytest.raises(FileExistsError):
        write_file_atomically(target, fill)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert target.read_text() == "theirs"
    target.unlink()
    write_file_atomically(target, write_ours)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert target.read_text() == "ours"


def test_an_empty_folder_is_replaced_at_the_end_and_stays_where_that_fails(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()

    def fail(beside: Path) -> None:
        assert target.is_dir()
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        write_folder_atomically(target, fail, over_empty=True)
    assert names(tmp_path) == ["out"]

    def interfere(beside: Path) -> None:
        (target / "theirs").touch()

    with pytest.raises(OSError, match=r"not empty|exists"):
        write_folder_atomically(target, interfere, over_empty=True)
    assert names(target) == ["theirs"]
    (target / "theirs").unlink()
    with pytest.raises(FileExistsError):
        write_folder_atomically(target, lambda beside: None)
    write_folder_atomically(target, lambda beside: (beside / "ours").touch(), over_empty=True)
    assert names(target) == ["ours"]
