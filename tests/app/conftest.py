"""What tests of the window share: a fresh library, and jobs as their folders would tell them."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QLocale
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.jobs.chat_worker import ChatWorker
from app.jobs.local_server import LocalServer
from app.jobs.planner import Planner
from app.jobs.watcher import JobWatcher
from app.services import Services, make_services
from app.shell.window import Window
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from tests.app.recorded import (
    STAND_IN_PLANNER,
    STAND_IN_SERVER,
    STAND_IN_WORKER,
    ChatMaker,
    RunMaker,
    record_job,
    step_done,
)


@pytest.fixture(autouse=True, scope="session")
def _plain_locale() -> None:
    """Numbers and clocks are those of no region, whatever machine the tests run on."""
    QLocale.setDefault(QLocale.c())


@pytest.fixture(autouse=True, scope="session")
def _clipboard_is_emptied() -> Iterator[None]:
    """What Python put into the clipboard goes before Python ends, else Qt crashes at the exit."""
    yield
    if QApplication.instance() is not None:
        QApplication.clipboard().clear()


@pytest.fixture(autouse=True)
def _no_widget_outlives_its_test() -> Iterator[None]:
    """Every widget is deleted at the end of its test, menus without a parent among them.

    Otherwise closed windows live until the next event loop, and the next window's style is applied
    to hundreds of widgets: 0.4 s a test.
    """
    yield
    for widget in QApplication.topLevelWidgets():
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def _no_models_of_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other programs keep on the machine that runs the tests is none of their business."""
    monkeypatch.setattr("app.models.on_this_computer.found_on_this_machine", lambda *_, **__: [])


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks the Hub for figures but a test of just that."""
    monkeypatch.setattr("app.models.page.HubFigures.ask", lambda _: None)


@pytest.fixture
def library(tmp_path: Path, new_database: Path) -> Library:
    library = Library.open(tmp_path / "library")
    shutil.copyfile(new_database, library.database)
    return library


@pytest.fixture
def make_run(library: Library) -> RunMaker:
    """Records a run that trained `steps` of 100 steps; `last` are its last events."""

    def make(
        name: str = "Notes",
        steps: int = 20,
        last: tuple[protocol.JobEvent, ...] = (),
        job_id: str | None = None,
    ) -> JobFolder:
        spec = protocol.TrainSpec(name=name, model="starter")
        held_out = protocol.Evaluated(step=0, loss=4.0)
        planned = protocol.Planned(notes=25, samples=240, held_out=12, steps=100)
        began = (protocol.Started(pid=1), protocol.StageBegan(stage="training"), planned, held_out)
        steps_done = map(step_done, range(1, steps + 1))
        return record_job(
            library.runs, spec, (protocol.Launched(), *began, *steps_done, *last), job_id
        )

    return make


@pytest.fixture
def watcher(library: Library, qtbot: QtBot) -> Iterator[JobWatcher]:
    watcher = JobWatcher(library)
    yield watcher
    watcher.shut_down()


@pytest.fixture
def worker(library: Library, qtbot: QtBot) -> Iterator[ChatWorker]:
    worker = ChatWorker(library, command=STAND_IN_WORKER)
    yield worker
    worker.shut_down()


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[JobFolder]:
    """Jobs that were started; their processes are not, so that a test tells what they do."""
    folders: list[JobFolder] = []

    def launch(folder: JobFolder) -> int:
        folder.append(protocol.Launched())
        folders.append(folder)
        return 1

    monkeypatch.setattr("app.jobs.watcher.launch", launch)
    return folders


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for before `services`: its worker and planner do without a model."""
    worker = functools.partial(ChatWorker, command=STAND_IN_WORKER)
    planner = functools.partial(Planner, command=STAND_IN_PLANNER)
    server = functools.partial(LocalServer, command=STAND_IN_SERVER)
    monkeypatch.setattr("app.services.ChatWorker", worker)
    monkeypatch.setattr("app.services.LocalServer", server)
    monkeypatch.setattr("app.services.Planner", planner)


@pytest.fixture
def services(library: Library, qapp: QApplication) -> Iterator[Services]:
    services = make_services(library, qapp)
    yield services
    services.close()


@pytest.fixture
def make_chat(stand_ins: None, services: Services, qtbot: QtBot) -> ChatMaker:
    """Makes the chat page, as often as a window is opened."""

    def make() -> ChatPage:
        page = ChatPage(services)
        qtbot.addWidget(page)
        page.resize(1000, 700)
        page.show()
        qtbot.waitUntil(lambda: page.answerer.menu.count() > 0)
        return page

    return make


@pytest.fixture
def window(services: Services, qtbot: QtBot) -> Window:
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    return window
