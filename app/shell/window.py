"""The one window: sidebar with the status strip, pages, and the connections between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.adapters.arriving import Arrivals, ArrivalSorter
from app.adapters.export_choices import BUNDLE
from app.adapters.page import AdaptersPage
from app.jobs.model_jobs import is_of_model
from app.jobs.new_adapters import makes_adapter
from app.jobs.run_news import RunNews
from app.library.outside_changes import OutsideChanges
from app.library.window_state import window_state
from app.models.page import ModelsPage
from app.notes.page import NotesPage
from app.services import Services
from app.settings.page import SettingsPage
from app.shell import window_place
from app.shell.file_drops import DropSign, FileDrops
from app.shell.importing_ahead import ImportingAhead
from app.shell.leaving import may_leave
from app.shell.menus import Menus
from app.shell.note_chooser import NoteChooser
from app.shell.sidebar import Entry, Sidebar
from app.shell.status_strip import StatusStrip
from app.shell.undo_actions import UndoActions
from app.style import ZOOMS, zoom
from app.widgets.error_dialog import Errors
from app.widgets.labels import hairline
from app.widgets.notices import Notices
from app.widgets.page_scroll import PageScroll
from app.widgets.reveal import open_path
from mlx_backend.catalogue.repository_names import is_address
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobState
from mlx_backend.protocol import Citation, ImportSpec, TrainSpec

if TYPE_CHECKING:
    from app.bin.page import BinPage
    from app.chat.page import ChatPage
    from app.tonight.page import TonightPage

ENTRIES = (
    Entry("notes", "Notes"),
    Entry("tonight", "Tonight"),
    Entry("chat", "Chat"),
    Entry("adapters", "Adapters"),
    Entry("models", "Models"),
    Entry("settings", "Settings"),
    Entry("bin", "Bin", apart=True),
)


# Not needed for the first page, but too slow to import only on a click.
_LARGER_PAGES = ("app.chat", "app.tonight")


class _Refreshed(Protocol):
    """A page that looks into the library."""

    def refresh(self) -> None:
        """Look again."""


class Window(QMainWindow):
    """Makes each page when it is first shown, and carries signals from page to page."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        library = services.library
        self._state = window_state(library.home)
        self._pages: dict[str, QWidget] = {}
        self._frames: dict[str, PageScroll] = {}
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
        self.notices = Notices()
        self.news = RunNews(services.watcher, self._state)
        self.strip = StatusStrip(services.watcher, self.news)
        self.sidebar = Sidebar(ENTRIES, self.strip)
        self.menus = Menus(self, ENTRIES)
        self._chooser = NoteChooser(self)
        self._sorter = ArrivalSorter(self)
        self.outside = OutsideChanges(library, services.background, self)
        self._show_zoom(cast(int, self._state.value("zoom", 100, int)))
        self.undo = UndoActions(self.menus.edit_menu, services.history)
        self._stack = QStackedWidget()
        self._whole = QWidget()
        self._lay_out()
        self._connect()
        self.show_page("notes")
        self._show_server()
        self._stack.setFocus()
        ImportingAhead(_LARGER_PAGES, self)
        self.outside.look()
        if services.preferences.damage:
            self.notices.show_error(
                OvernightError(ErrorKind.UNREADABLE, services.preferences.damage)
            )

    def page(self, key: str) -> QWidget:
        """The page called `key`, made now if this is the first time."""
        if key not in self._pages:
            self._pages[key] = self._makers[key]()
            self._frames[key] = PageScroll(self._pages[key])
            self._stack.addWidget(self._frames[key])
        return self._pages[key]

    def show_page(self, key: str) -> None:
        """Bring a page to the front."""
        self.page(key)
        self._stack.setCurrentWidget(self._frames[key])
        if key == "notes":
            self.strip.show_import(None)  # the page tells it itself
        elif key == "settings":
            self.strip.show_no_server(None)
        self.sidebar.show_chosen(key)

    @property
    def page_shown(self) -> str:
        """The key of the page at the front."""
        shown = self._current()
        return next(key for key, page in self._pages.items() if page is shown)

    def _current(self) -> QWidget:
        return cast(PageScroll, self._stack.currentWidget()).page

    def come_forward(self) -> None:
        """Come in front of the windows of other programs."""
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
            self._refresh({self.page_shown})

    def closeEvent(self, event: QCloseEvent) -> None:
        window_place.save(self, self._state)
        if "chat" in self._pages:
            cast("ChatPage", self._pages["chat"]).flush()
        if not may_leave(self, self._services.background):
            event.ignore()
            return
        super().closeEvent(event)

    # --- pages ---

    def _make_notes(self) -> NotesPage:
        page = NotesPage(self._services)
        page.folder_wanted.connect(self._chooser.choose_folder)
        page.samples_wanted.connect(self._import_samples)
        page.tonight_wanted.connect(lambda: self.show_page("tonight"))
        return page

    def _make_tonight(self) -> TonightPage:
        from app.tonight.page import TonightPage

        page = TonightPage(self._services)
        page.add_notes_wanted.connect(lambda: self.show_page("notes"))
        page.chat_wanted.connect(self._chat_with)
        page.run_seen.connect(self.news.mark_seen)
        page.samples_wanted.connect(self._show_samples)
        return page

    def _make_chat(self) -> ChatPage:
        from app.chat.page import ChatPage

        page = ChatPage(self._services)
        page.tonight_wanted.connect(lambda: self.show_page("tonight"))
        page.source_wanted.connect(self._show_source)
        page.models_wanted.connect(lambda: self.show_page("models"))
        return page

    def _make_adapters(self) -> AdaptersPage:
        page = AdaptersPage(self._services)
        page.training_wanted.connect(lambda: self.show_page("tonight"))
        page.continue_wanted.connect(self._go_on_from)
        page.chat_wanted.connect(self._chat_with)
        page.renamed.connect(self._take_new_name)
        page.notes_decided.connect(lambda: self._refresh({"notes", "tonight"}))
        page.models_wanted.connect(lambda: self.show_page("models"))
        page.use_again_wanted.connect(self._use_again)
        page.refused.connect(self.notices.show_error)
        return page

    def _make_models(self) -> ModelsPage:
        page = ModelsPage(self._services)
        page.refused.connect(self.notices.show_error)
        return page

    def _make_bin(self) -> BinPage:
        from app.bin.page import BinPage

        return BinPage(self._services)

    def _make_settings(self) -> SettingsPage:
        services = self._services
        page = SettingsPage(
            services.preferences,
            services.library.home,
            services.background,
            services.history,
            services.server,
        )
        page.own_names.changed.connect(lambda: self._refresh({"notes"}))
        return page

    # --- making the window ---

    def _lay_out(self) -> None:
        self.setWindowTitle("Overnight")
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self._stack, 1)
        right.addWidget(self.notices)
        row = QHBoxLayout(self._whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addWidget(hairline(vertical=True))
        row.addLayout(right, 1)
        self.setCentralWidget(self._whole)
        window_place.restore(self, self._state)

    def _connect(self) -> None:
        services, menus = self._services, self.menus
        self.sidebar.chosen.connect(self.show_page)
        self.strip.chosen.connect(self.show_page)
        self.strip.chat_wanted.connect(self._chat_with)
        drops = FileDrops(self, DropSign(self._whole, self._what_a_drop_does), self._wants_link)
        drops.dropped.connect(self._sorter.sort)
        drops.link_dropped.connect(self._take_link)
        self._sorter.sorted.connect(self._take_dropped)
        self._chooser.chosen.connect(self.import_paths)
        menus.page_wanted.connect(self.show_page)
        menus.chat_wanted.connect(self._new_chat)
        menus.folder_wanted.connect(self._chooser.choose_folder)
        menus.files_wanted.connect(self._chooser.choose_files)
        menus.find_wanted.connect(self._find)
        menus.zoom_wanted.connect(self._zoom)
        menus.close_wanted.connect(self.close)
        menus.quit_wanted.connect(self.close)
        menus.log_wanted.connect(lambda: open_path(services.library.logs / "window.log"))
        self.outside.found.connect(lambda: self._refresh({self.page_shown}))
        services.background.failed.connect(self.notices.show_error)
        services.background.behind.connect(self.notices.show_repeated)
        services.background.recovered.connect(self.notices.forget_repeated)
        self.notices.details_wanted.connect(self.errors.show)
        services.watcher.start_failed.connect(self._job_not_started)
        services.watcher.job_ended.connect(self._job_ended)
        services.watcher.settled.connect(self._say_good_morning)
        services.server.changed.connect(self._show_server)

    # --- wishes ---

    def _wants_link(self, link: str) -> bool:
        """A page of the Hub holds an adapter where adapters are shown; elsewhere it is a text."""
        return self.page_shown == "adapters" and is_address(link)

    def _take_link(self, link: str) -> None:
        cast(AdaptersPage, self.page("adapters")).ways_in.take_link(link)

    def _what_a_drop_does(self, paths: Sequence[Path]) -> str:
        if not paths:
            return "Drop to receive this adapter from the Hub"
        if paths and all(path.suffix.lower() == BUNDLE for path in paths):
            return "Drop to add this adapter" if len(paths) == 1 else "Drop to add these adapters"
        if self.page_shown == "models":
            return "Drop a model's folder to add it"
        if self.page_shown == "adapters":
            return "Drop to add an adapter, or notes"
        return "Drop to add these notes"

    def _take_dropped(self, arrivals: Arrivals) -> None:
        """Adapters are received; the rest is models on their page, and elsewhere notes."""
        if arrivals.adapters:
            self.show_page("adapters")
            self._services.new_adapters.receive(arrivals.adapters)
        if not arrivals.others:
            return
        if self.page_shown == "models":
            cast(ModelsPage, self.page("models")).take_dropped(arrivals.others)
        else:
            self.import_paths(arrivals.others)

    def _go_on_from(self, adapter_id: str) -> None:
        self.show_page("tonight")
        cast("TonightPage", self.page("tonight")).go_on_from(adapter_id)

    def _use_again(self, name: str, instead_of: str) -> None:
        cast("ChatPage", self.page("chat")).use_again(name, instead_of)

    def _import_samples(self) -> None:
        self.import_paths([Path(str(resources.files("resources") / "sample_notes"))])

    def _find(self) -> None:
        """Find in what is on show where that can be searched; else among the notes."""
        if self._current() is not self._pages.get("chat"):
            self.show_page("notes")
        cast("NotesPage | ChatPage", self._current()).focus_search()

    def _zoom(self, step: int) -> None:
        near = ZOOMS.index(zoom()) + step
        percent = ZOOMS[max(0, min(near, len(ZOOMS) - 1))] if step else 100
        self._state.setValue("zoom", percent)
        self._show_zoom(percent)

    def _show_zoom(self, percent: int) -> None:
        self._services.style.set_zoom(percent)
        self.menus.show_zoom(zoom())

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
        is_untouched = self._current() is self._pages["notes"]
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
        elif makes_adapter(job):
            self._refresh({"adapters", "chat"})
        elif is_of_model(job):
            self._refresh({"models", "adapters", "chat", "tonight"})
        elif isinstance(job.spec, ImportSpec) and self._current() is not self._pages["notes"]:
            self.strip.show_import(job)
        error = job.status.error
        if isinstance(job.spec, ImportSpec) and job.state is JobState.FAILED and error is not None:
            self.notices.show_error(error.to_error(), job.folder.log_path)

    def _show_server(self) -> None:
        """Tell of a server that did not start with the window, unless the settings tell already."""
        is_told = self._current() is self._pages.get("settings")
        self.strip.show_no_server(None if is_told else self._services.server.error)

    def _job_not_started(self, job_id: str, error: OvernightError) -> None:
        """Show a dialog; but only a notice for an import, which may have started by itself."""
        if self._services.imports.has_asked_for(job_id):
            self.notices.show_error(error)
        else:
            self.errors.show(error)
