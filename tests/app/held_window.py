"""A real window over a small library, as a person has it in hand, for a test that does much."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, cast

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

from app.adapters.page import AdaptersPage
from app.bin.page import BinPage
from app.chat.page import ChatPage
from app.library.paged_table_model import PagedTableModel
from app.models.page import ModelsPage
from app.notes.page import NotesPage
from app.services import Services, make_services
from app.shell.window import Window
from app.widgets.confirm_dialog import ConfirmDialog
from app.widgets.deletable_list import choose_row
from app.widgets.inline_rename import InlineRename
from mlx_backend.library import Library
from tests.app.things import Thing

# Only a window that is wrong waits so long: a machine may be slow, and busy with other things.
_PATIENCE_S, _NAP_S = 60.0, 0.0003


class HeldWindow:
    """Opens the window, and presses its keys."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.open()

    def open(self) -> None:
        """Open the window, as at a start."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.services: Services = make_services(self._library, app)
        self.window = Window(self.services)
        self.window.show()
        self.window.activateWindow()
        self.settle()

    def close(self) -> None:
        """Close it, as at an end."""
        self.window.close()
        self.services.close()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    # --- pages ---

    @property
    def adapters(self) -> AdaptersPage:
        """The page of that name, as those below."""
        return cast(AdaptersPage, self.window.page("adapters"))

    @property
    def models(self) -> ModelsPage:
        return cast(ModelsPage, self.window.page("models"))

    @property
    def chat(self) -> ChatPage:
        return cast(ChatPage, self.window.page("chat"))

    @property
    def bin(self) -> BinPage:
        return cast(BinPage, self.window.page("bin"))

    @property
    def notes(self) -> NotesPage:
        return cast(NotesPage, self.window.page("notes"))

    def show(self, page: str, samples: bool = False) -> None:
        """Bring a page to the front."""
        self.window.show_page(page)
        if page == "notes":
            self.notes.show_samples(samples)
        self.settle()

    def come_back(self) -> None:
        """The person was in the terminal, and comes back to the window."""
        if self.window.isActiveWindow():
            QCoreApplication.sendEvent(self.window, QEvent(QEvent.Type.ActivationChange))
        else:
            self.window.activateWindow()

    # --- waiting ---

    def settle(self) -> None:
        """Let all that was begun come to its end."""
        for _ in range(3):
            done: list[None] = []
            self.services.background.call(lambda _: None, done.append)
            self.wait(functools.partial(bool, done))

    def wait(
        self, condition: Callable[[], bool], problem: Callable[[], str] = lambda: "never"
    ) -> None:
        """Until it is so; where it never is, `problem` says what is instead."""
        ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends:
            QApplication.processEvents()
            if condition():
                return
            time.sleep(_NAP_S)
        raise AssertionError(problem())

    # --- keys ---

    def focus(self, widget: QWidget | None = None) -> QWidget:
        """Give a widget the focus; returns who has it."""
        if not self.window.isActiveWindow():
            self.window.activateWindow()
            QApplication.processEvents()
        if widget is not None:
            widget.setFocus()
            return widget
        focused: QWidget | None = self.window.focusWidget()
        return self.window if focused is None else focused

    def press(self, widget: QWidget, key: Qt.Key) -> None:
        """Press a key where a widget has the focus."""
        QTest.keyClick(self.focus(widget), key)

    def press_on(self, thing: Thing, name: str, key: Qt.Key) -> None:
        """Choose a thing on its page, which is in front, and press a key."""
        match thing[0]:
            case "adapter":
                page = self.adapters
                choose_row(page.list, page.table.row_of(name))
                self.press(page.list, key)
            case "conversation":
                sidebar = self.chat.sidebar
                choose_row(sidebar.view, sidebar.list.row_of(int(thing[1])))
                self.settle()
                self.press(sidebar.view, key)
            case "model":
                self.press(self.models.button_of(name), key)

    def type_name(self, editor: InlineRename, name: str) -> None:
        """Type another name, and press Return."""
        editor.field.selectAll()
        QTest.keyClicks(editor.field, name)
        QTest.keyClick(editor.field, Qt.Key.Key_Return)

    def confirm(self) -> None:
        """Say yes to the question that is asked."""
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ConfirmDialog)
        dialog.deed.click()

    # --- what is on show ---

    def listed(self, samples: bool) -> tuple[PagedTableModel[Any], QAbstractItemView]:
        """The list of notes, or of samples."""
        page = self.notes
        return (page.samples.table, page.samples.view) if samples else (page.table, page.list)

    def shown_adapters(self) -> list[str]:
        """The names in the list, in its order."""
        table = self.adapters.table
        return [table.adapter(row).name for row in range(table.rowCount())]

    def shown(self) -> tuple[str, list[str]]:
        """The kind of what the page in front lists, and its names; ("", []) where it is no list."""
        match self.window.page_shown:
            case "adapters":
                return "adapter", sorted(self.shown_adapters())
            case "chat":
                talks = self.chat.sidebar.list
                rows = range(talks.rowCount())
                return "conversation", sorted(talks.conversation(row).title for row in rows)
            case "models":
                return "model", sorted(set(self.models.names) - {"starter"})
            case "notes":
                kind = "sample" if self.notes._shows_samples else "note"
                table, _ = self.listed(kind == "sample")
                names = (table.index(row, 0).data() or "" for row in range(table.rowCount()))
                return kind, sorted(names)
            case "bin":
                return "item", sorted(item.id for item in self.bin.table.items)
        return "", []
