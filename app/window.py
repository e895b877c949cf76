"""The one window: sidebar, pages, status strip, and the wires between them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from PySide6.QtCore import QByteArray, QDir, QEvent, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.drops import DropSign, FileDrops
from app.menus import Menus
from app.pages.adapters import AdaptersPage
from app.pages.models import ModelsPage
from app.pages.notes import NotesPage
from app.pages.settings import SettingsPage
from app.reveal import open_path
from app.run_news import RunNews
from app.services import Services
from app.sidebar import Entry, Sidebar
from app.status_strip import StatusStrip
from app.style import Size
from app.undo_actions import UndoActions
from app.widgets.errors import Errors
from app.widgets.text import hairline
from app.window_state import window_state
from mlx_backend.jobs import JobState
from mlx_backend.protocol import Citation, ImportSpec, TrainSpec

if TYPE_CHECKING:
    from app.pages.bin import BinPage
    from app.pages.chat import ChatPage
    from app.pages.tonight import TonightPage

ENTRIES = (
    Entry("notes", "Notes"),
    Entry("tonight", "Tonight"),
    Entry("chat", "Chat"),
    Entry("adapters", "Adapters"),
    Entry("models", "Models"),
    Entry("settings", "Settings"),
    Entry("bin", "Bin", apart=True),
)


class _Refreshed(Protocol):
    """A page that looks into the library."""

    def refresh(self) -> None:
        """Look again."""


class Window(QMainWindow):
    """Makes each page when it is first wanted, and carries the pages' wishes to each other."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        library = services.library
        self._state = window_state(library.home)
        self._pages: dict[str, QWidget] = {}
        self._makers: dict[str, Callable[[], QWidget]] = {
            "notes": self._make_notes,
            "tonight": self._make_tonight,
            "chat": self._make_chat,
            "adapters": self._make_adapters,
            "models": self._make_models,
            "settings": self._make_settings,
            "bin": self._make_bin,
        }
        self.errors = Errors(self, library.logs / "window.log")
        self.sidebar = Sidebar(ENTRIES)
        self.news = RunNews(services.watcher, self._state)
        self.strip = StatusStrip(services.watcher, self.news)
        self.menus = Menus(self, ENTRIES)
        self.undo = UndoActions(self.menus.edit, services.history)
        self._stack = QStackedWidget()
        self._whole = QWidget()
        self._lay_out()
        self._connect()
        self.show_page("notes")
        self._stack.setFocus()
        services.background.call(_import_larger_pages, lambda _: None)

    def page(self, key: str) -> QWidget:
        """The page called `key`, made now if this is the first time."""
        if key not in self._pages:
            self._pages[key] = self._makers[key]()
            self._stack.addWidget(self._pages[key])
        return self._pages[key]

    def show_page(self, key: str) -> None:
        """Bring a page to the front."""
        self._stack.setCurrentWidget(self.page(key))
        self.sidebar.show_chosen(key)

    def come_forward(self) -> None:
        """Be seen, over the windows of other programs."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def import_paths(self, paths: Iterable[Path]) -> None:
        """Import files and folders, and show how it goes."""
        self.show_page("notes")
        cast(NotesPage, self.page("notes")).show_samples(False)
        self._services.imports.add(paths)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # What changed in the library while another program was in front is shown at once.
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            shown = self._stack.currentWidget()
            self._refresh({key for key, page in self._pages.items() if page is shown})

    def closeEvent(self, event: QCloseEvent) -> None:
        self._state.setValue("geometry", self.saveGeometry())
        if "chat" in self._pages:
            cast("ChatPage", self._pages["chat"]).flush()
        super().closeEvent(event)

    # --- pages ---

    def _make_notes(self) -> NotesPage:
        page = NotesPage(self._services)
        page.folder_wanted.connect(self._choose_folder)
        page.samples_wanted.connect(self._import_samples)
        page.tonight_wanted.connect(lambda: self.show_page("tonight"))
        return page

    def _make_tonight(self) -> TonightPage:
        from app.pages.tonight import TonightPage

        page = TonightPage(self._services)
        page.add_notes_wanted.connect(lambda: self.show_page("notes"))
        page.chat_wanted.connect(self._chat_with)
        page.run_seen.connect(self.news.mark_seen)
        page.samples_wanted.connect(self._show_samples)
        return page

    def _make_chat(self) -> ChatPage:
        from app.pages.chat import ChatPage

        page = ChatPage(self._services)
        page.tonight_wanted.connect(lambda: self.show_page("tonight"))
        page.source_wanted.connect(self._show_source)
        return page

    def _make_adapters(self) -> AdaptersPage:
        page = AdaptersPage(self._services)
        page.training_wanted.connect(lambda: self.show_page("tonight"))
        page.chat_wanted.connect(self._chat_with)
        page.renamed.connect(self._take_new_name)
        return page

    def _make_models(self) -> ModelsPage:
        return ModelsPage(self._services)

    def _make_bin(self) -> BinPage:
        from app.pages.bin import BinPage

        return BinPage(self._services)

    def _make_settings(self) -> SettingsPage:
        services = self._services
        page = SettingsPage(services.preferences, services.library.home, services.background)
        page.own_names.changed.connect(lambda: self._refresh({"notes"}))
        return page

    # --- making the window ---

    def _lay_out(self) -> None:
        self.setWindowTitle("Overnight")
        self.setMinimumSize(*Size.WINDOW_LEAST)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self._stack, 1)
        right.addWidget(self.strip)
        row = QHBoxLayout(self._whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addWidget(hairline(vertical=True))
        row.addLayout(right, 1)
        self.setCentralWidget(self._whole)
        geometry = self._state.value("geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            self.resize(*Size.WINDOW)

    def _connect(self) -> None:
        services, menus = self._services, self.menus
        self.sidebar.chosen.connect(self.show_page)
        self.strip.chosen.connect(self.show_page)
        self.strip.chat_wanted.connect(self._chat_with)
        drops = FileDrops(self, DropSign(self._whole))
        drops.dropped.connect(self.import_paths)
        menus.page_wanted.connect(self.show_page)
        menus.chat_wanted.connect(self._new_chat)
        menus.folder_wanted.connect(self._choose_folder)
        menus.files_wanted.connect(self._choose_files)
        menus.find_wanted.connect(self._find)
        menus.close_wanted.connect(self.close)
        menus.quit_wanted.connect(self.close)
        menus.log_wanted.connect(lambda: open_path(services.library.logs / "window.log"))
        services.background.failed.connect(self.errors.show)
        services.watcher.start_failed.connect(lambda _, error: self.errors.show(error))
        services.watcher.job_ended.connect(self._job_ended)
        services.watcher.settled.connect(self._say_good_morning)

    # --- wishes ---

    def _choose_folder(self) -> None:
        self._choose(QFileDialog.FileMode.Directory, "Add a folder of notes")

    def _choose_files(self) -> None:
        self._choose(QFileDialog.FileMode.ExistingFiles, "Add notes")

    def _choose(self, mode: QFileDialog.FileMode, title: str) -> None:
        dialog = QFileDialog(self, title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        if dialog.directory() == QDir.current():
            # Nobody chose anything yet; where the program was started is of no interest.
            dialog.setDirectory(QDir.home())
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Add")
        dialog.filesSelected.connect(lambda chosen: self.import_paths(map(Path, chosen)))
        dialog.open()

    def _import_samples(self) -> None:
        self.import_paths([Path(str(resources.files("resources") / "sample_notes"))])

    def _find(self) -> None:
        self.show_page("notes")
        cast(NotesPage, self.page("notes")).focus_search()

    def _new_chat(self) -> None:
        self.show_page("chat")
        cast("ChatPage", self.page("chat")).new_conversation()

    def _chat_with(self, adapter: str) -> None:
        self.show_page("chat")
        cast("ChatPage", self.page("chat")).choose_adapter(adapter)

    def _take_new_name(self, old: str, new: str) -> None:
        cast("ChatPage", self.page("chat")).take_renamed_adapter(old, new)

    def _say_good_morning(self) -> None:
        """Begin with what the night brought, unless the person went somewhere else already."""
        is_untouched = self._stack.currentWidget() is self._pages["notes"]
        if is_untouched and self.news.latest() is not None and not self._services.imports.is_busy:
            self.show_page("tonight")

    def _show_source(self, source: Citation) -> None:
        self.show_page("notes")
        cast(NotesPage, self.page("notes")).show_place(source.note, source.start, source.end)

    def _show_samples(self) -> None:
        self.show_page("notes")
        cast(NotesPage, self.page("notes")).show_samples()

    def _refresh(self, keys: set[str]) -> None:
        """Let those of these pages that were made look into the library again."""
        for key in keys & self._pages.keys() - {"settings"}:
            cast(_Refreshed, self._pages[key]).refresh()

    def _job_ended(self, job_id: str) -> None:
        job = self._services.watcher.snapshot(job_id)
        if job is None:
            return
        if isinstance(job.spec, TrainSpec):
            self._refresh({"notes", "adapters"})
        error = job.status.error
        if isinstance(job.spec, ImportSpec) and job.state is JobState.FAILED and error is not None:
            self.errors.show(error.to_error(), job.folder.log_path)


def _import_larger_pages(_: object) -> None:
    # Not needed for the first picture, and too long for a click to wait for.
    importlib.import_module("app.pages.chat")
    importlib.import_module("app.pages.tonight")
