"""The menus, with the shortcuts that people know from everywhere else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from app.shell.edit_actions import EditActions
from app.shell.sidebar import Entry
from app.style import ZOOMS

_Key = QKeySequence.StandardKey


class Menus(QObject):
    """Announces what was chosen from the menus."""

    chat_wanted = Signal()
    folder_wanted = Signal()
    files_wanted = Signal()
    find_wanted = Signal()
    close_wanted = Signal()
    quit_wanted = Signal()
    log_wanted = Signal()
    page_wanted = Signal(str)

    zoom_wanted = Signal(int)
    """Show everything a step larger (1) or smaller (-1), or as large as usual (0)."""

    def __init__(self, window: QMainWindow, entries: Sequence[Entry]) -> None:
        super().__init__(window)
        bar = window.menuBar()
        self._fill_file(bar.addMenu("&File"))
        self.edit_menu = bar.addMenu("&Edit")
        self._fill_edit(self.edit_menu)
        self._fill_view(bar.addMenu("&View"))
        self._fill_go(bar.addMenu("&Go"), entries)
        _add(bar.addMenu("&Help"), "Show the &Log", None, self.log_wanted.emit)

    def _fill_file(self, menu: QMenu) -> None:
        _add(menu, "&New Chat", _Key.New, self.chat_wanted.emit)
        menu.addSeparator()
        _add(menu, "&Add Folder…", _Key.Open, self.folder_wanted.emit)
        _add(menu, "Add &Files…", "Ctrl+Shift+O", self.files_wanted.emit)
        menu.addSeparator()
        _add(menu, "&Close Window", _Key.Close, self.close_wanted.emit)
        leave = _add(menu, "&Quit Overnight", "Ctrl+Q", self.quit_wanted.emit)
        leave.setMenuRole(QAction.MenuRole.QuitRole)

    def _fill_edit(self, menu: QMenu) -> None:
        self.edit = EditActions(menu)
        menu.addSeparator()
        _add(menu, "&Find…", _Key.Find, self.find_wanted.emit)
        menu.addSeparator()
        settings = functools.partial(self.page_wanted.emit, "settings")
        action = _add(menu, "&Settings…", "Ctrl+,", settings)
        action.setMenuRole(QAction.MenuRole.PreferencesRole)

    def _fill_view(self, menu: QMenu) -> None:
        self.larger = _add(menu, "Zoom &In", _Key.ZoomIn, lambda: self.zoom_wanted.emit(1))
        # Where "+" is the shifted "=", both mean the same.
        self.larger.setShortcuts([QKeySequence(_Key.ZoomIn), QKeySequence("Ctrl+=")])
        self.smaller = _add(menu, "Zoom &Out", _Key.ZoomOut, lambda: self.zoom_wanted.emit(-1))
        self.actual = _add(menu, "&Actual Size", "Ctrl+0", lambda: self.zoom_wanted.emit(0))

    def show_zoom(self, percent: int) -> None:
        """Enable the zoom levels that are left to choose."""
        self.larger.setEnabled(percent < max(ZOOMS))
        self.smaller.setEnabled(percent > min(ZOOMS))
        self.actual.setEnabled(percent != 100)

    def _fill_go(self, menu: QMenu, entries: Sequence[Entry]) -> None:
        for number, entry in enumerate(entries, start=1):
            go = functools.partial(self.page_wanted.emit, entry.key)
            _add(menu, entry.title, f"Ctrl+{number}", go)


def _add(
    menu: QMenu,
    text: str,
    shortcut: QKeySequence.StandardKey | str | None,
    act: Callable[[], object],
) -> QAction:
    action = menu.addAction(text)
    if shortcut is not None:
        action.setShortcut(QKeySequence(shortcut))
    action.triggered.connect(lambda _checked: act())
    return action
