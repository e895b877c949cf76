from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from mlx_backend.adoption.source import placing
from mlx_backend.adoption.source.folder_listing import LocalFile
from mlx_backend.adoption.source.gathering import Gathered
from mlx_backend.adoption.source.origin import Origin
from mlx_backend.adoption.source.placing import copy, open_regular, share
from mlx_backend.adoption.source.stillness import require_unchanged
from mlx_backend.errors import ErrorKind, OvernightError

MB = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(os.urandom(3 * MB + 5))
    return path


def failing(number: int) -> Callable[[Path, Path], None]:
    def fail(source: Path, to: Path) -> None:
        to.touch()
        raise OSError(number, os.strerror(number))

    return fail


def test_a_clone_or_a_link_is_the_same(source: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    way = share(source, to)
    assert way in ("cloned", "linked")
    assert to.read_bytes() == source.read_bytes()
    if way == "linked":
        assert to.stat().st_ino == source.stat().st_ino


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EXDEV, errno.EPERM, errno.EINVAL])
def test_where_neither_can_be_nothing_is_left(
    source: Path, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = (("cloned", failing(number)), ("linked", failing(number)))
    monkeypatch.setattr(placing, "_WAYS", ways)
    assert share(source, tmp_path / "to") is None
    assert not (tmp_path / "to").exists()


def test_a_full_disk_is_no_reason_to_copy(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "_WAYS", (("cloned", failing(errno.ENOSPC)),))
    with pytest.raises(OSError, match="No space"):
        share(source, tmp_path / "to")
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("there", [0, 5, MB, 2 * MB + 7, 3 * MB + 5, 4 * MB])
@pytest.mark.parametrize("spoilt", [False, True])
def test_copying_goes_on_where_it_ended(
    source: Path, tmp_path: Path, there: int, spoilt: bool
) -> None:
    part, told = tmp_path / "part", list[int]()
    data = source.read_bytes()
    part.write_bytes((bytes(there) if spoilt else data[:there]) + bytes(max(0, there - len(data))))
    copy(source, part, len(data), told.append)
    assert part.read_bytes() == data
    assert told[-1] == len(data)


def test_a_file_that_is_shorter_than_it_was(source: Path, tmp_path: Path) -> None:
    with pytest.raises(OvernightError) as caught:
        copy(source, tmp_path / "part", 4 * MB, lambda _: None)
    assert caught.value.kind is ErrorKind.BUSY


def test_a_file_that_has_grown_is_copied_as_it_was(source: Path, tmp_path: Path) -> None:
    copy(source, tmp_path / "part", MB, lambda _: None)
    assert (tmp_path / "part").stat().st_size == MB


@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "device"])
def test_only_files_are_opened(tmp_path: Path, source: Path, kind: str) -> None:
    path = tmp_path / "it"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(source)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/null")
    with pytest.raises(OvernightError):
        open_regular(path)


def test_a_file_that_is_gone_is_not_said_to_be_written_to(source: Path, tmp_path: Path) -> None:
    (found,) = model_listing(source)
    source.unlink()
    with pytest.raises(OvernightError, match="no longer there") as caught:
        require_unchanged([found])
    assert caught.value.kind is ErrorKind.PATH_MISSING
    with pytest.raises(OvernightError, match="no longer there"):
        copy(source, tmp_path / "part", 4 * MB, lambda _: None)


def model_listing(path: Path) -> list[LocalFile]:
    now = path.lstat()
    found = LocalFile(
        name=path.name,
        path=str(path),
        size=now.st_size,
        modified_ns=now.st_mtime_ns,
        inode=now.st_ino,
        device=now.st_dev,
    )
    require_unchanged([found])
    return [found]


def test_words_about_copying_name_every_cause() -> None:
    origin = Origin(
        folder="/m", title="m", repository="", source="m", licence="", files=(), in_place=False
    )
    file = LocalFile(name="a", path="/m/a", size=5_000_000, modified_ns=0, inode=0, device=0)
    origin = msgspec.structs.replace(origin, files=(file,))
    words = Gathered({"a": "copied"}).in_words(origin)
    assert "5.0 MB were copied from /m" in words
    assert all(cause in words for cause in ("another disk", "file system", "permissions"))
