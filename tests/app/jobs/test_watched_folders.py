from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.folder_state import folders_of, state_of
from app.jobs.watched_folders import Pace, WatchedFolders
from app.services import Services
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.database import connect
from mlx_backend.library.folders import Folders

ERROR = protocol.ErrorReport(kind="disk_full", message="The disk is full.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "vault"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.md").write_text("one")
    return folder


@pytest.fixture
def watched(services: Services, qtbot: QtBot) -> Iterator[WatchedFolders]:
    watched = WatchedFolders(services.background, services.imports, Pace(quiet_ms=30, look_ms=150))
    watched.begin()
    yield watched
    watched.shut_down()


def stored(library: Library) -> dict[str, str]:
    connection = connect(library.database)
    try:
        return Folders(connection).watched()
    finally:
        connection.close()


def end(job: JobFolder, last: protocol.JobEvent) -> None:
    job.append(protocol.Started(pid=1))
    job.append(last)


def test_what_changes_in_a_watched_folder_is_imported(
    library: Library,
    folder: Path,
    watched: WatchedFolders,
    launched: list[JobFolder],
    qtbot: QtBot,
) -> None:
    with qtbot.waitSignal(watched.changed):
        watched.watch(str(folder), True)
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert launched[0].spec() == protocol.ImportSpec(paths=(str(folder),))
    end(launched[0], protocol.Finished(result={"unchanged": 1}))
    qtbot.waitUntil(lambda: stored(library) == {str(folder): state_of(folder)})
    qtbot.wait(400)
    assert len(launched) == 1  # nothing has changed

    (folder / "deep" / "b.md").write_text("two")
    qtbot.waitUntil(lambda: len(launched) == 2)
    end(launched[1], protocol.Finished(result={"added": 1}))
    qtbot.waitUntil(lambda: stored(library) == {str(folder): state_of(folder)})

    with qtbot.waitSignal(watched.changed):
        watched.watch(str(folder), False)
    (folder / "c.md").write_text("three")
    qtbot.wait(400)
    assert len(launched) == 2


def test_folder_that_cannot_be_imported_is_left_alone_until_it_changes(
    folder: Path, watched: WatchedFolders, launched: list[JobFolder], qtbot: QtBot
) -> None:
    watched.watch(str(folder), True)
    qtbot.waitUntil(lambda: len(launched) == 1)
    end(launched[0], protocol.Failed(error=ERROR))
    qtbot.wait(1500)
    assert len(launched) == 1
    (folder / "b.md").write_text("two")
    qtbot.waitUntil(lambda: len(launched) == 2)


def test_import_that_could_not_be_started_is_tried_again(
    folder: Path,
    watched: WatchedFolders,
    launched: list[JobFolder],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[JobFolder] = []

    def fail(job: JobFolder) -> int:
        tries.append(job)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("app.jobs.watcher.launch", fail)
        watched.watch(str(folder), True)
        qtbot.waitUntil(lambda: len(tries) == 2)
        assert launched == []
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert launched[0].spec() == protocol.ImportSpec(paths=(str(folder),))


HANGING = """
import sys, threading
from pathlib import Path
from PySide6.QtCore import QTimer
from app.jobs import watched_folders
from app.main import make_application
from app.services import make_services
from mlx_backend.library import Library

reached = threading.Event()

def state_of(folder):
    reached.set()
    threading.Event().wait()

watched_folders.state_of = state_of

def main():
    services = make_services(Library.open(Path(sys.argv[1])), app)
    services.watched.watch(sys.argv[2], True)
    look = QTimer(interval=10)
    look.timeout.connect(lambda: app.quit() if reached.is_set() else None)
    look.start()
    app.exec()
    services.close()
    print("closed", flush=True)

app = make_application()
main()
"""


def test_a_disk_that_does_not_answer_does_not_keep_the_window_open(
    tmp_path: Path, folder: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING, str(tmp_path / "library"), str(folder)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "closed\n"), done.stderr


def test_folder_on_a_disk_that_is_not_connected_is_not_imported(
    tmp_path: Path, watched: WatchedFolders, launched: list[JobFolder], qtbot: QtBot
) -> None:
    (tmp_path / "empty").mkdir()
    watched.watch(str(tmp_path / "gone"), True)
    watched.watch(str(tmp_path / "empty"), True)
    qtbot.wait(400)
    assert launched == []


def test_state_tells_every_change_of_files_and_nothing_else(folder: Path) -> None:
    states = [state_of(folder)]
    (folder / "a.md").write_text("ones")
    states.append(state_of(folder))
    os.utime(folder / "a.md", (1, 1))
    states.append(state_of(folder))
    (folder / "a.md").rename(folder / "deep" / "a.md")
    states.append(state_of(folder))
    assert len(set(states)) == 4
    (folder / ".hidden").write_text("x")
    (folder / "other").mkdir()
    assert state_of(folder) == states[-1]


def test_folders_to_watch_come_from_the_top_and_end(folder: Path) -> None:
    (folder / "deep" / "deeper").mkdir()
    (folder / "link").symlink_to(folder)
    expected = [str(folder), str(folder / "deep"), str(folder / "deep" / "deeper")]
    assert folders_of(folder, 10) == expected
    assert folders_of(folder, 2) == expected[:2]
    assert folders_of(folder / "gone", 2) == []
