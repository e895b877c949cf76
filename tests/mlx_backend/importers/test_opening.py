from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from mlx_backend.importers.opening import UnopenedFile, open_below, reason_against

_DATALESS = 0x40000000


class Info:
    """A result of `lstat` as on a Mac; Linux has no flags."""

    def __init__(self, mode: int, flags: int = 0) -> None:
        self.st_mode, self.st_flags = mode, flags


@pytest.mark.parametrize(
    ("mode", "flags", "reason"),
    [
        (stat.S_IFREG, 0, ""),
        (stat.S_IFREG, _DATALESS, "in the cloud"),
        (stat.S_IFREG, _DATALESS | 0x20, "in the cloud"),
        (stat.S_IFLNK, 0, "link"),
        (stat.S_IFIFO, 0, "pipe"),
        (stat.S_IFCHR, 0, "device"),
        (stat.S_IFSOCK, 0, "not a file"),
    ],
)
def test_only_plain_files_that_are_here_are_read(mode: int, flags: int, reason: str) -> None:
    found = reason_against(Info(mode | 0o600, flags))  # type: ignore[arg-type]
    assert reason in found
    assert bool(reason) == bool(found)


def test_a_file_and_what_lies_deeper_can_be_opened(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c.md"
    deep.parent.mkdir(parents=True)
    deep.write_text("text")
    for source in (deep, tmp_path, tmp_path / "a"):
        descriptor = open_below(source, deep)
        assert os.read(descriptor, 10) == b"text"
        os.close(descriptor)


def test_a_link_that_the_person_chose_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.md").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.close(open_below(tmp_path / "link", tmp_path / "link" / "a.md"))


def test_missing_permission_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse access as to an ordinary user; the tests may run as root."""

    def refuse(*arguments: object, **named: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "a.md").write_text("text")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnopenedFile, match="Permission denied"):
        open_below(tmp_path, tmp_path / "a.md")


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").mkdir()
    before = os.dup(0)
    os.close(before)
    for name in ("pipe", "a", "a/gone", "gone/x", "pipe/x"):
        with pytest.raises(UnopenedFile):
            open_below(tmp_path, tmp_path / name)
    after = os.dup(0)
    os.close(after)
    assert before == after
