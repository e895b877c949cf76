"""Pictures of every page: `python -m app.screenshots FOLDER [--library HOME]`.

They show the real window on a real library: a fresh one with the sample notes, and then what a
recorded night left in it; or the given one with whatever runs, adapters and conversations it has.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from app import recorded_library
from app.main import make_application
from app.pages.notes import NotesPage
from app.services import Services, make_services
from app.window import ENTRIES, Window
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations
from mlx_backend.settings import Appearance

if TYPE_CHECKING:
    from app.pages.tonight import TonightPage

_T = TypeVar("_T")
_SIZES = ((1440, 900), (1000, 700))
_APPEARANCES: tuple[Appearance, ...] = ("light", "dark")
_PAINT_MS = 250
_SETTLE_MS = 1500
_PATIENCE_MS = 120_000


def main(argv: list[str]) -> int:
    """Take all pictures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the PNG files go")
    parser.add_argument("--library", type=Path, help="a library to show instead of a fresh one")
    arguments = parser.parse_args(argv)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    app = make_application()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as fresh:
        with _window(app, Path(fresh)) as (window, services):
            camera = _Camera(window, services, arguments.folder)
            camera.take("first-start")
            if arguments.library is None:
                _import_samples(window, services)
                camera.take_all_pages()
                camera.take_recorded_night()
        if arguments.library is not None:
            with _window(app, arguments.library) as (window, services):
                _Camera(window, services, arguments.folder).take_all_pages()
    return 0


class _Camera:
    """Takes pictures of a window in all sizes and appearances."""

    def __init__(self, window: Window, services: Services, folder: Path) -> None:
        self._window = window
        self._services = services
        self._folder = folder
        self._plans: list[object] = []
        services.planner.planned.connect(lambda _, plan: self._plans.append(plan))
        services.planner.failed.connect(lambda _, error: self._plans.append(error))

    def take(self, name: str) -> None:
        """Take what the window shows now."""
        for appearance in _APPEARANCES:
            self._services.style.set_appearance(appearance)
            for width, height in _SIZES:
                self._window.resize(width, height)
                _pause(_PAINT_MS)
                self._save(f"{name}-{appearance}-{width}x{height}.png")

    def _save(self, name: str) -> None:
        self._window.grab().save(str(self._folder / name))
        print(self._folder / name)

    def take_all_pages(self) -> None:
        """Take each page in a state that says something."""
        prepare: dict[str, Callable[[], None]] = {
            "notes": self._choose_a_note,
            "chat": self._open_latest_conversation,
        }
        for entry in ENTRIES:
            self._window.show_page(entry.key)
            _pause(_SETTLE_MS)
            if entry.key == "tonight":
                self._take_tonight()
                continue
            prepare.get(entry.key, lambda: None)()
            _pause(_PAINT_MS)
            self.take(entry.key)

    def _take_tonight(self) -> None:
        from app.pages.tonight import TonightPage

        page = cast(TonightPage, self._window.page("tonight"))
        runs = self._services.watcher.runs()
        for state, run in {run.state: run for run in reversed(runs)}.items():
            page.show_run(run.id)
            _pause(_SETTLE_MS)
            self.take(f"tonight-{state.value}")
        if any(run.is_active for run in runs):
            return  # the plan of another night waits for the end of this one
        page.run.plan_wanted.emit()
        _wait_for(lambda: bool(self._plans) or not page.plan.isVisible())
        _pause(_PAINT_MS)
        self.take("tonight")

    def take_recorded_night(self) -> None:
        """Take what there is after a night: report, samples, chat from the notes."""
        from app.pages.chat import ChatPage
        from app.pages.tonight import TonightPage

        library, window = self._services.library, self._window
        run = recorded_library.record_night(library)
        _wait_for(lambda: self._services.watcher.snapshot(run.id) is not None)
        talk = self._in_library(recorded_library.record_talk)
        self._in_library(recorded_library.record_samples)
        window.show_page("tonight")
        tonight = cast(TonightPage, window.page("tonight"))
        tonight.show_run(run.id)
        _pause(_SETTLE_MS)
        self.take("report")
        tonight.run.report.details.button.setChecked(True)
        _pause(_PAINT_MS)
        self._take_scrolled("report-end", tonight)
        window.show_page("chat")
        chat = cast(ChatPage, window.page("chat"))
        chat.choose_adapter(recorded_library.NAME)
        chat.session.open(talk)
        _pause(_SETTLE_MS)
        self.take("chat-grounded")
        chat.transcript.views[0].answers[recorded_library.NAME].sources.chips[0].click()
        _pause(_SETTLE_MS)
        self.take("notes-cited")
        self._take_samples()
        self._take_study(tonight)

    def _take_samples(self) -> None:
        page = cast(NotesPage, self._window.page("notes"))
        page.show_samples()
        _wait_for(lambda: page.samples.table.rowCount() > 0)
        page.samples.view.selectRow(4)
        _pause(_SETTLE_MS)
        self.take("samples")

    def _take_study(self, tonight: TonightPage) -> None:
        study = recorded_library.record_study(self._services.library)
        lock = study.lock()
        lock.acquire()
        self._window.show_page("tonight")
        tonight.show_run(study.id)
        _wait_for(lambda: tonight.run.run_id == study.id)
        _pause(_SETTLE_MS)
        self.take("tonight-studying")
        lock.release()

    def _take_scrolled(self, name: str, page: QWidget) -> None:
        bars = [area.verticalScrollBar() for area in page.findChildren(QScrollArea)]
        for appearance in _APPEARANCES:
            self._services.style.set_appearance(appearance)
            for width, height in _SIZES:
                self._window.resize(width, height)
                _pause(_PAINT_MS)
                for bar in bars:
                    bar.setValue(bar.maximum())
                _pause(_PAINT_MS)
                self._save(f"{name}-{appearance}-{width}x{height}.png")

    def _in_library(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        done: list[_T] = []
        self._services.background.call(work, done.append)
        _wait_for(lambda: bool(done))
        return done[0]

    def _choose_a_note(self) -> None:
        page = cast(NotesPage, self._window.page("notes"))
        _wait_for(lambda: page.table.rowCount() > 0)
        page.list.selectRow(min(4, page.table.rowCount() - 1))

    def _open_latest_conversation(self) -> None:
        from app.pages.chat import ChatPage

        page = cast(ChatPage, self._window.page("chat"))
        latest: list[int | None] = []
        self._services.background.call(
            lambda db: next((talk.id for talk in Conversations(db).all()), None), latest.append
        )
        _wait_for(lambda: bool(latest))
        page.session.open(latest[0])
        _pause(_SETTLE_MS)


@contextmanager
def _window(app: QApplication, home: Path) -> Iterator[tuple[Window, Services]]:
    services = make_services(Library.open(home), app)
    window = Window(services)
    window.show()
    _pause(_SETTLE_MS)
    try:
        yield window, services
    finally:
        window.hide()  # not closed: the library's own window keeps its size and drafts
        services.close()
        window.deleteLater()


def _import_samples(window: Window, services: Services) -> None:
    ended: list[object] = []
    services.imports.ended.connect(ended.append)
    window.import_paths([Path(str(resources.files("resources") / "sample_notes"))])
    _wait_for(lambda: bool(ended))


def _wait_for(condition: Callable[[], bool]) -> None:
    waited = 0
    while not condition() and waited < _PATIENCE_MS:
        _pause(_PAINT_MS)
        waited += _PAINT_MS


def _pause(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
