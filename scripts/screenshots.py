"""Pictures of every page: `python -m scripts.screenshots FOLDER [--library HOME] [--all]`.

They show the real window on a real library: a fresh one with the sample notes, and then what a
recorded night left in it; or the given one with whatever runs, adapters and conversations it has.

Without options in two sizes, light and dark. `--sizes`, `--appearances`, `--locales` and `--zoom`
choose others: a size is WIDTHxHEIGHT@SCALE. `--all` takes the smallest and the usual screens, light
and dark, in English, German and Hebrew.
"""

from __future__ import annotations

import argparse
import functools
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from PySide6.QtCore import QEventLoop, QLocale, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from app.main import make_application, settle_direction
from app.notes.groups import SKIPPED
from app.notes.page import NotesPage
from app.services import Services, make_services
from app.shell.window import ENTRIES, Window
from app.widgets.deletable_list import choose_row
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations
from mlx_backend.settings import Appearance
from scripts import recorded_library, recorded_variety

if TYPE_CHECKING:
    from app.tonight.page import TonightPage

_T = TypeVar("_T")
_SIZES = ("1440x900", "1000x700")
_ALL_SIZES = ("1024x600", "1440x900", "1440x900@1.5", "1440x900@2")
_APPEARANCES: tuple[Appearance, ...] = ("light", "dark")
_ALL_LOCALES = ("en_US", "de_DE", "he_IL")
_PAINT_MS = 250
_SETTLE_MS = 1500
_PATIENCE_MS = 120_000


@dataclass(frozen=True)
class View:
    """How the window is shown: its size, and the pixels of a picture for each of the window's."""

    width: int
    height: int
    scale: float = 1.0

    @classmethod
    def of(cls, text: str) -> View:
        """Read "1440x900" or "1440x900@1.5"."""
        size, _, scale = text.partition("@")
        width, height = size.split("x")
        return cls(int(width), int(height), float(scale or 1))

    def __str__(self) -> str:
        return f"{self.width}x{self.height}" + (f"@{self.scale:g}" if self.scale != 1 else "")


@dataclass(frozen=True)
class Wish:
    """What pictures are wanted, and where they go."""

    folder: Path
    views: tuple[View, ...]
    appearances: tuple[Appearance, ...]
    zoom: int = 100
    suffix: str = ""


def main(argv: list[str]) -> int:
    """Take all pictures; returns the exit code."""
    arguments = _parser().parse_args(argv)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    sizes = arguments.sizes or (_ALL_SIZES if arguments.all else _SIZES)
    locales = arguments.locales or (_ALL_LOCALES if arguments.all else ("",))
    app = make_application()
    for locale in locales:
        if locale:
            QLocale.setDefault(QLocale(locale))
            settle_direction(app)
        wish = Wish(
            arguments.folder,
            tuple(map(View.of, sizes)),
            tuple(arguments.appearances or _APPEARANCES),
            arguments.zoom,
            f"-{locale}" if locale else "",
        )
        _take_all(app, wish, arguments.library)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the PNG files go")
    parser.add_argument("--library", type=Path, help="a library to show instead of a fresh one")
    parser.add_argument("--all", action="store_true", help="all sizes and locales that are tested")
    parser.add_argument("--sizes", nargs="+", metavar="SIZE", help="such as 1024x600 1440x900@2")
    parser.add_argument("--appearances", nargs="+", choices=_APPEARANCES)
    parser.add_argument("--locales", nargs="+", metavar="LOCALE", help="such as de_DE he_IL")
    parser.add_argument("--zoom", type=int, default=100, help="in percent")
    return parser


def _take_all(app: QApplication, wish: Wish, home: Path | None) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as fresh:
        with _window(app, Path(fresh), wish) as (window, services):
            camera = _Camera(window, services, wish)
            camera.take("first-start")
            if home is None:
                camera.take_empty_pages()
                _import(window, services, Path(str(resources.files("resources") / "sample_notes")))
                camera.take_all_pages()
                camera.take_recorded_night()
        if home is not None:
            with _window(app, home, wish) as (window, services):
                _Camera(window, services, wish).take_all_pages()


class _Camera:
    """Takes pictures of a window in all sizes and appearances that are wanted."""

    def __init__(self, window: Window, services: Services, wish: Wish) -> None:
        self._window = window
        self._services = services
        self._wish = wish
        self._plans: list[object] = []
        services.planner.planned.connect(lambda _, plan: self._plans.append(plan))
        services.planner.failed.connect(lambda _, error: self._plans.append(error))

    def take(self, name: str, prepare: Callable[[], None] = lambda: None) -> None:
        """Take what the window shows now; `prepare` is done before each picture."""
        for appearance in self._wish.appearances:
            self._services.style.set_appearance(appearance)
            for view in self._wish.views:
                self._window.resize(view.width, view.height)
                _pause(_PAINT_MS)
                prepare()
                self._save(f"{name}-{appearance}-{view}{self._wish.suffix}.png", view)

    def _save(self, name: str, view: View) -> None:
        # Not `grab`: that draws at the screen's scale alone.
        picture = QPixmap(self._window.size() * view.scale)
        picture.setDevicePixelRatio(view.scale)
        self._window.render(picture)
        picture.save(str(self._wish.folder / name))
        print(self._wish.folder / name)

    def take_empty_pages(self) -> None:
        """Take the pages of a new library."""
        for entry in ENTRIES[1:4]:
            self._window.show_page(entry.key)
            _pause(_SETTLE_MS)
            self.take(f"{entry.key}-empty")

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
        from app.tonight.page import TonightPage

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
        from app.chat.page import ChatPage
        from app.tonight.page import TonightPage

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
        window.show_page("adapters")
        _pause(_SETTLE_MS)
        self.take("adapters")
        self._take_samples()
        self._take_skipped()
        window.show_page("tonight")
        self._take_recorded_runs(tonight)
        self._take_study(tonight)
        self._take_variety()
        self._take_bin()

    def _take_samples(self) -> None:
        page = cast(NotesPage, self._window.page("notes"))
        self._window.show_page("notes")
        page.show_samples()
        _wait_for(lambda: page.samples.table.rowCount() > 0)
        _pause(_SETTLE_MS)
        choose_row(page.samples.view, 4)
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

    def _take_variety(self) -> None:
        """Take whatever Markdown brings, words that were found, a name in change, and a trouble."""
        from app.chat.page import ChatPage

        notes = cast(NotesPage, self._window.page("notes"))
        with tempfile.TemporaryDirectory() as folder:
            recorded_variety.write_note(Path(folder))
            _import(self._window, self._services, Path(folder))
            self._window.show_page("notes")
            notes.search.setText(recorded_variety.NOTE)
            notes.search.textEdited.emit(recorded_variety.NOTE)
            _wait_for(lambda: notes.table.rowCount() == 1)
            choose_row(notes.list, 0)
            formatted, source = notes.preview.look.buttons
            for name, look in (("notes-source", source), ("notes-formatted", formatted)):
                look.click()
                _pause(_SETTLE_MS)
                self.take(name)
        notes.search.clear()
        talk = self._in_library(recorded_variety.record_talk)
        self._window.show_page("chat")
        chat = cast(ChatPage, self._window.page("chat"))
        chat.session.open(talk)
        _pause(_SETTLE_MS)
        self.take("chat-markdown", lambda: chat.transcript.verticalScrollBar().setValue(0))
        self._take_scrolled("chat-markdown-end", chat)
        chat.focus_search()
        chat.find_bar.field.setText("harbour")
        self._window.notices.show_repeated(recorded_variety.full_disk())
        chat.sidebar.rename.open(chat.sidebar.list.index(0, 0))
        _pause(_PAINT_MS)
        self.take("chat-find-rename-notice", lambda: chat.find_bar.changed.emit("harbour"))
        chat.find_bar.done.click()
        self._window.notices.forget_repeated()

    def _take_bin(self) -> None:
        fill = functools.partial(recorded_variety.fill_bin, self._services.library)
        self._in_library(fill)
        self._window.show_page("bin")
        _pause(_SETTLE_MS)
        self.take("bin-filled")

    def _take_skipped(self) -> None:
        page = cast(NotesPage, self._window.page("notes"))
        with tempfile.TemporaryDirectory() as folder:
            for name in ("Harbour.jpg", "Puffin song.mp3", "Chart.dwg"):
                (Path(folder) / name).write_bytes(bytes(range(256)))
            _import(self._window, self._services, Path(folder))
        page.chips.choose(SKIPPED)
        _pause(_SETTLE_MS)
        self.take("notes-skipped")
        page.chips.choose("")

    def _take_recorded_runs(self, tonight: TonightPage) -> None:
        """Take a run that learns, and the same one when it was interrupted."""
        run = recorded_library.record_learning(self._services.library)
        lock = run.lock()
        lock.acquire()
        tonight.show_run(run.id)
        _wait_for(lambda: tonight.run.run_id == run.id)
        _pause(_SETTLE_MS)
        self.take("tonight-learning")
        lock.release()
        _pause(_SETTLE_MS)
        self.take("tonight-interrupted")

    def _take_scrolled(self, name: str, page: QWidget) -> None:
        bars = [area.verticalScrollBar() for area in page.findChildren(QScrollArea)]

        def scroll() -> None:
            for bar in bars:
                bar.setValue(bar.maximum())
            _pause(_PAINT_MS)

        self.take(name, scroll)

    def _in_library(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        done: list[_T] = []
        self._services.background.call(work, done.append)
        _wait_for(lambda: bool(done))
        return done[0]

    def _choose_a_note(self) -> None:
        page = cast(NotesPage, self._window.page("notes"))
        _wait_for(lambda: page.table.rowCount() > 0)
        _pause(_SETTLE_MS)
        choose_row(page.list, min(4, page.table.rowCount() - 1))

    def _open_latest_conversation(self) -> None:
        from app.chat.page import ChatPage

        page = cast(ChatPage, self._window.page("chat"))
        latest: list[int | None] = []
        self._services.background.call(
            lambda db: next((talk.id for talk in Conversations(db).all()), None), latest.append
        )
        _wait_for(lambda: bool(latest))
        page.session.open(latest[0])
        _pause(_SETTLE_MS)


@contextmanager
def _window(app: QApplication, home: Path, wish: Wish) -> Iterator[tuple[Window, Services]]:
    services = make_services(Library.open(home), app)
    window = Window(services)
    services.style.set_zoom(wish.zoom)
    window.show()
    _pause(_SETTLE_MS)
    try:
        yield window, services
    finally:
        window.hide()  # not closed: the library's own window keeps its size and drafts
        services.close()
        window.deleteLater()


def _import(window: Window, services: Services, folder: Path) -> None:
    ended: list[object] = []
    services.imports.ended.connect(ended.append)
    window.import_paths([folder])
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
