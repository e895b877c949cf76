"""Events on a disk that refuses them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.journal import Journal
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[JobFolder, int], None]:
    """Lets a folder take no events until the room it is asked to keep is given up."""

    def set_up(folder: JobFolder, number: int) -> None:
        append = JobFolder.append

        def full(self: JobFolder, event: protocol.JobEvent) -> None:
            if (folder.path / "full").exists() or (folder.path / "reserve").exists():
                raise OSError(number, os.strerror(number))
            append(self, event)

        monkeypatch.setattr(JobFolder, "append", full)

    return set_up


def texts(folder: JobFolder) -> list[str]:
    return [e.text for e in folder.reader().read_new() if isinstance(e, protocol.Notice)]


def say(journal: Journal, *words: str) -> None:
    for text in words:
        journal.append(protocol.Notice(text=text))


def test_events_come_in_order(folder: JobFolder) -> None:
    journal = Journal(folder)
    say(journal, "one", "two")
    assert texts(folder) == ["one", "two"]
    assert journal.close()
    assert not (folder.path / "reserve").exists()


def test_a_place_is_kept_to_say_that_the_disk_is_full(
    folder: JobFolder, refuse: Callable[[JobFolder, int], None]
) -> None:
    journal = Journal(folder)
    refuse(folder, errno.ENOSPC)
    say(journal, "It is full.")
    assert texts(folder) == ["It is full."]
    journal.settle()
    assert (folder.path / "reserve").stat().st_size > 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_what_is_refused_waits_for_room(
    folder: JobFolder, refuse: Callable[[JobFolder, int], None], number: int
) -> None:
    journal = Journal(folder)
    refuse(folder, number)
    (folder.path / "full").touch()
    say(journal, "one", "two")
    assert not journal.flush()
    assert not journal.close()
    assert texts(folder) == []
    (folder.path / "full").unlink()
    say(journal, "three")
    assert texts(folder) == ["one", "two", "three"]
    assert journal.close()


def test_half_a_line_spoils_no_other(folder: JobFolder) -> None:
    with folder.events_path.open("ab") as file:
        file.write(b'{"event": "notice", "te')
    journal = Journal(folder)
    say(journal, "one")
    with folder.events_path.open("ab") as file:  # the training was killed while it wrote
        file.write(b'{"event": "step", "st')
    journal.mend()
    say(journal, "two")
    assert texts(folder) == ["one", "two"]
