"""Takes pictures of the real window in every size and appearance that is wanted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from app.notes.page import NotesPage
from app.services import Services, make_services
from app.shell.window import Window
from mlx_backend.library import Library
from mlx_backend.settings import Appearance

if TYPE_CHECKING:
    from app.chat.page import ChatPage
    from app.tonight.page import TonightPage

_T = TypeVar("_T")
_PAINT_MS = 250
_SETTLE_MS = 1500
_PATIENCE_MS = 120_000


@dataclass(frozen=True)
class View:
    """The window's size, and how many pixels of a picture stand for one of the window's."""

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


class Camera:
    """Leads one window through its pages and takes pictures of them."""

    def __init__(self, window: Window, services: Services, wish: Wish) -> None:
        self.window = window
        self.services = services
        self.plans: list[object] = []
        """The plans and errors that the planner gave so far."""
        self._wish = wish
        services.planner.planned.connect(lambda _, plan: self.plans.append(plan))
        services.planner.failed.connect(lambda _, error: self.plans.append(error))

    @property
    def notes(self) -> NotesPage:
        """The page of notes."""
        return cast(NotesPage, self.window.page("notes"))

    @property
    def tonight(self) -> TonightPage:
        """The page of tonight's run."""
        return cast("TonightPage", self.window.page("tonight"))

    @property
    def chat(self) -> ChatPage:
        """The page of the chat."""
        return cast("ChatPage", self.window.page("chat"))

    def show(self, page: str) -> None:
        """Bring a page up, and wait until it is there."""
        self.window.show_page(page)
        self.settle()

    def take(self, name: str, prepare: Callable[[], None] = lambda: None) -> None:
        """Take what the window shows now; `prepare` is done before each picture."""
        for appearance in self._wish.appearances:
            self.services.style.set_appearance(appearance)
            for view in self._wish.views:
                self.window.resize(view.width, view.height)
                self.paint()
                prepare()
                self._save(f"{name}-{appearance}-{view}{self._wish.suffix}.png", view)

    def take_scrolled(self, name: str, page: QWidget) -> None:
        """Take a page whose parts are all scrolled to their ends."""
        bars = [area.verticalScrollBar() for area in page.findChildren(QScrollArea)]

        def scroll() -> None:
            for bar in bars:
                bar.setValue(bar.maximum())
            self.paint()

        self.take(name, scroll)

    def in_library(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What work in the library's database gives."""
        done: list[_T] = []
        self.services.background.call(work, done.append)
        self.wait_for(lambda: bool(done))
        return done[0]

    def import_folder(self, folder: Path) -> None:
        """Import a folder to its end."""
        ended: list[object] = []
        self.services.imports.ended.connect(ended.append)
        self.window.import_paths([folder])
        self.wait_for(lambda: bool(ended))

    def paint(self) -> None:
        """Let the window draw what changed."""
        pause(_PAINT_MS)

    def settle(self) -> None:
        """Let the window read what it shows, and draw it."""
        pause(_SETTLE_MS)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, but not for ever."""
        waited = 0
        while not condition() and waited < _PATIENCE_MS:
            self.paint()
            waited += _PAINT_MS

    def _save(self, name: str, view: View) -> None:
        # Not `grab`: that draws at the screen's scale alone.
        picture = QPixmap(self.window.size() * view.scale)
        picture.setDevicePixelRatio(view.scale)
        self.window.render(picture)
        picture.save(str(self._wish.folder / name))
        print(self._wish.folder / name)


@contextmanager
def opened_camera(app: QApplication, home: Path, wish: Wish) -> Iterator[Camera]:
    """A camera before a window on the library in `home`."""
    services = make_services(Library.open(home), app)
    window = Window(services)
    services.style.set_zoom(wish.zoom)
    window.show()
    pause(_SETTLE_MS)
    try:
        yield Camera(window, services, wish)
    finally:
        window.hide()  # not closed: the library's own window keeps its size and drafts
        services.close()
        window.deleteLater()


def pause(milliseconds: int) -> None:
    """Let Qt work for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()
