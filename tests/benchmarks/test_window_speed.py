"""How fast the window opens, and whether its thread ever stalls while it imports.

What is imported are ../shared/notes/til where that is, else the sample notes;
OVERNIGHT_BENCHMARK_NOTES names another folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import typing
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.notes.page import NotesPage
from app.services import Services, make_services
from app.shell.window import ENTRIES, Window
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library import Library
from tests.app import test_whole_journey as journey
from tests.app.test_killed_processes import start_in_a_window
from tests.app.tiny_library import environment, write_tiny_library
from tests.benchmarks.stalls import StallMeter

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

_MANY_NOTES = Path(__file__).parents[2].parent / "shared" / "notes" / "til"
_OPEN = """
import time
began = time.perf_counter()
import sys
import time
import typing
from pathlib import Path
from app.main import make_application
from app.services import make_services
from app.shell.window import Window
from mlx_backend.library import Library
imported = time.perf_counter()
app = make_application()
services = make_services(Library.open(Path(sys.argv[1])), app)
window = Window(services)
window.show()
app.processEvents()
shown = time.perf_counter()
window.close()
services.close()
print(imported - began, shown - imported)
"""


@pytest.fixture
def services(tmp_path: Path, qapp: QApplication) -> Iterator[Services]:
    services = make_services(Library.open(tmp_path / "library"), qapp)
    yield services
    services.close()


def notes_folder() -> Path:
    if chosen := os.environ.get("OVERNIGHT_BENCHMARK_NOTES"):
        return Path(chosen)
    return (
        _MANY_NOTES
        if _MANY_NOTES.is_dir()
        else Path(str(resources.files("resources"))) / "sample_notes"
    )


def open_once(home: Path) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _OPEN, str(home)], capture_output=True, text=True, check=True
    )
    imports, window = (float(word) for word in done.stdout.split())
    return imports, window


def test_time_until_the_window_shows(tmp_path: Path) -> None:
    open_once(tmp_path)  # fills the caches
    imports, window = open_once(tmp_path)
    print(f"\nwindow: imports {imports * 1000:.0f} ms, then shown in {window * 1000:.0f} ms")
    assert window < 1


def test_time_until_a_new_window_shows_a_run(tmp_path: Path, qtbot: QtBot) -> None:
    library = Library.open(tmp_path / "library")
    folder = JobFolder.create(library.runs, protocol.TrainSpec(name="Journal", model="starter"))
    for event in (protocol.Launched(), protocol.Started(pid=1)):
        folder.append(event)
    lock = folder.lock()
    assert lock.acquire()
    began = time.perf_counter()
    services = make_services(library, typing.cast(QApplication, QApplication.instance()))
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: "Journal" in window.strip.what.text())
    took = time.perf_counter() - began
    services.close()
    lock.release()
    print(f"\na new window shows the run that goes on after {took * 1000:.0f} ms")
    assert took < 2


def test_time_until_a_new_window_shows_the_run_of_a_killed_one(tmp_path: Path) -> None:
    home = tmp_path / "library"
    write_tiny_library(home)
    run_id = start_in_a_window(home, "Journal")
    began = time.perf_counter()
    command = [sys.executable, "-m", "tests.app.opened_window"]
    new = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(home), text=True)
    assert new.stdout is not None
    shown = new.stdout.readline().strip()
    took = time.perf_counter() - began
    new.kill()
    new.communicate()
    folder = JobFolder(Library.open(home).runs / run_id)
    folder.request_stop()
    while not folder.status().state.is_over:
        time.sleep(0.1)
    print(f"\na new process shows the run of a killed window after {took * 1000:.0f} ms")
    assert shown == run_id
    assert took < 2


def test_stalls_during_an_import(services: Services, qtbot: QtBot) -> None:
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    with StallMeter() as meter:
        with qtbot.waitSignal(services.imports.ended, timeout=600_000) as ended:
            window.import_paths([notes_folder()])
        assert ended.args is not None
        assert ended.args[0].state is JobState.FINISHED, ended.args[0].status.error
        qtbot.waitUntil(lambda: page.table.rowCount() > 0)
        QTest.keyClicks(page.search, "the", delay=30)
        qtbot.wait(500)
        for row in range(min(20, page.table.rowCount())):
            page.list.selectRow(row)
            qtbot.wait(50)
    print(f"\nimport of {notes_folder().name}: {meter.describe()}")
    assert meter.longest_ms < 100


def test_stalls_during_training_and_chat(services: Services, qtbot: QtBot, tmp_path: Path) -> None:
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    services.preferences.change(hours=0.05, passes=1, max_tokens=64, temperature=0.0)
    journey.add_notes(window, services, qtbot, tmp_path)
    with StallMeter() as training:
        name = journey.train(window, services, qtbot)
    with StallMeter() as chatting:
        journey.chat(window, qtbot, name)
    print(f"\ntraining: {training.describe()}\nchat: {chatting.describe()}")
    assert training.longest_ms < 100
    assert chatting.longest_ms < 100


def test_stalls_while_looking_through_all_pages(services: Services, qtbot: QtBot) -> None:
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    qtbot.wait(300)
    with StallMeter() as first:
        for entry in ENTRIES:
            window.show_page(entry.key)
            qtbot.wait(400)
    with StallMeter() as again:
        for entry in ENTRIES * 3:
            window.show_page(entry.key)
            qtbot.wait(100)
    print(f"\npages, first time: {first.describe()}\npages, again: {again.describe()}")
    assert first.longest_ms < 100
    assert again.longest_ms < 100
