"""Every key on every page, with and without the focus, once and held: nothing is lost by any."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QFileDialog,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.services import Services
from app.shell.window import ENTRIES, Window
from app.widgets.confirm_dialog import ConfirmDialog
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.database import opened
from tests.app.whereabouts import IN_BIN, Places, fill, whereabouts

_Modifier = Qt.KeyboardModifier
_DELETING = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
_PATIENCE_S, _NAP_S = 60.0, 0.0003
_KEYS = (
    Qt.Key.Key_Home,
    *_DELETING,
    Qt.Key.Key_Down,
    *_DELETING,
    *(Qt.Key(code) for code in range(Qt.Key.Key_A, Qt.Key.Key_Z + 1)),
    *(Qt.Key(code) for code in range(Qt.Key.Key_0, Qt.Key.Key_9 + 1)),
    *(Qt.Key(code) for code in range(Qt.Key.Key_F1, Qt.Key.Key_F12 + 1)),
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
    *(Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Tab, Qt.Key.Key_Escape),
    *(Qt.Key.Key_Menu, Qt.Key.Key_Insert, Qt.Key.Key_Comma, Qt.Key.Key_Period),
)
_MODIFIERS = (
    _Modifier.NoModifier,
    _Modifier.ShiftModifier,
    _Modifier.ControlModifier,
    _Modifier.AltModifier,
    _Modifier.MetaModifier,
    _Modifier.ControlModifier | _Modifier.ShiftModifier,
)
# Letters and digits do nothing of their own to a button.
_FEW_KEYS = tuple(key for key in _KEYS if len(key.name) > len("Key_F12"))
_REPEATS = 2
DELETES = {
    "adapters": {"adapter"},
    "chat": {"conversation"},
    "models": {"model"},
    "notes": {"note", "sample"},
    "samples": {"sample"},
}
PAGES = (*(entry.key for entry in ENTRIES), "samples")


@pytest.fixture
def harmless(
    stand_ins: None,
    launched: list[JobFolder],
    monkeypatch: pytest.MonkeyPatch,
    qapp: QApplication,
) -> Iterator[None]:
    """What keys do outside of the library is not done."""
    monkeypatch.setattr(QFileDialog, "open", lambda *_: None)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda *_: True)
    monkeypatch.setattr("app.style.Style.set_appearance", lambda *_: None)  # takes its time
    monkeypatch.setattr("app.jobs.login_item.go_on_after_restart", lambda *_: None)
    closes = qapp.quitOnLastWindowClosed()
    qapp.setQuitOnLastWindowClosed(False)
    yield
    qapp.setQuitOnLastWindowClosed(closes)


class Sweep:
    """Presses keys in a window on one page, and looks after each whether all is still there."""

    def __init__(self, window: Window, library: Library, page: str) -> None:
        self._window = window
        self._library = library
        self._page = page
        self.deleted: set[str] = set()
        """Kinds of things that a key deleted."""

    def run(self) -> None:
        """Every key, with the focus nowhere, and in each widget that takes it."""
        self._bring_up()
        self._settle()
        self._press_all(None)
        pressed: set[tuple[str, str]] = set()
        while new := [each for each in self._focusable() if self._name(each) not in pressed]:
            name = self._name(new[0])
            pressed.add(name)
            self._press_all(name)

    def _press_all(self, name: tuple[str, str] | None) -> None:
        """Every key, with the focus in the widget of this name."""
        before = whereabouts(self._library)
        target = self._target(name)
        hears_all = target is self._window or isinstance(target, QAbstractItemView)
        keys = _FEW_KEYS if isinstance(target, QAbstractButton) else _KEYS
        modifiers = _MODIFIERS if hears_all else _MODIFIERS[:3]
        for key in keys:
            for modifier in modifiers:
                if not self._is_ready(target):
                    target = self._target(name)
                chosen = _chosen(target)
                self._hold(target, key, modifier)
                if key in _DELETING:
                    before = self._check(before, at_most=chosen)
        self._check(before, at_most=len(keys) * len(modifiers))
        if isinstance(target, QLineEdit):
            target.clear()  # what was typed was looked for
        if self._page != "bin":
            self._put_back()
        self._bring_up()

    def _name(self, widget: QWidget) -> tuple[str, str]:
        """What tells a widget from others; the fields of settings are one of each kind."""
        text = widget.text() if isinstance(widget, QAbstractButton) else widget.accessibleName()
        return type(widget).__name__, "" if self._page == "settings" else text

    def _is_ready(self, target: QWidget) -> bool:
        if not shiboken6.isValid(target) or not target.isVisible():
            return False
        is_window = target is self._window
        focused = QApplication.focusWidget()
        return self._window.isActiveWindow() and focused is (None if is_window else target)

    def _bring_up(self) -> None:
        window = self._window
        if not window.isVisible():
            window.show()
        key = "notes" if self._page == "samples" else self._page
        if window.page_shown != key:
            window.show_page(key)
        if self._page in ("notes", "samples"):
            window.page("notes").show_samples(self._page == "samples")  # type: ignore[attr-defined]

    def _focusable(self) -> list[QWidget]:
        """What takes the focus: on the first page all, on others what is not on all pages."""
        key = "notes" if self._page == "samples" else self._page
        around = self._window if self._page == PAGES[0] else self._window.page(key)
        return [
            each
            for each in around.findChildren(QWidget)
            if each.isVisible()
            and each.isEnabled()
            and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]

    def _target(self, name: tuple[str, str] | None) -> QWidget:
        """The widget of this name, with the focus; the window where there is none."""
        self._bring_up()
        if not self._window.isActiveWindow():  # a dialog was open, or the window was closed
            self._window.activateWindow()
            QApplication.processEvents()
        found = next((each for each in self._focusable() if self._name(each) == name), None)
        if found is None:
            focused = self._window.focusWidget()
            if focused is not None:
                focused.clearFocus()
            return self._window
        if not found.hasFocus():
            found.setFocus()
        return found

    def _hold(self, target: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
        """Press a key, hold it while it repeats, let it go; close whatever that opened."""
        QTest.keyPress(target, key, modifiers)
        for _ in range(_REPEATS):
            held = self._receiver(target)
            repeat = QKeyEvent(QEvent.Type.KeyPress, key, modifiers, "", True)
            QCoreApplication.sendEvent(held, repeat)
        QTest.keyRelease(self._receiver(target), key, modifiers)
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        dialog = QApplication.activeModalWidget()
        if dialog is not None:
            assert isinstance(dialog, ConfirmDialog), dialog.accessibleName()
            QTest.keyClick(dialog, Qt.Key.Key_Escape)
            assert not dialog.isVisible()

    def _receiver(self, target: QWidget) -> QWidget:
        over = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if over is not None:
            inner: QWidget | None = over.focusWidget()
            return over if inner is None else inner
        return target if shiboken6.isValid(target) else self._window

    def _check(self, before: Places, at_most: int) -> Places:
        """All that was there is there or in the bin, where no more has come than may have."""
        self._settle()
        now = whereabouts(self._library)
        assert before.keys() <= now.keys(), f"lost: {before.keys() - now.keys()}"
        gone = {thing for thing in before if now[thing] == IN_BIN != before[thing]}
        self.deleted |= {kind for kind, _ in gone}
        owners = {
            thing for thing in gone if thing[0] != "sample"
        } or gone  # notes take theirs along
        assert len(owners) <= at_most, f"one key deleted {owners}"
        return now

    def _settle(self) -> None:
        """Let the window's work come to its end."""
        done: list[None] = []
        for _ in range(2):
            done.clear()
            self._window._services.background.call(lambda _: None, done.append)
            # Looks more often than `waitUntil`, which would be waited for most of the time.
            ends = time.monotonic() + _PATIENCE_S
            while not done:
                assert time.monotonic() < ends
                QApplication.processEvents()
                time.sleep(_NAP_S)

    def _put_back(self) -> None:
        with opened(self._library.database) as db:
            bin_ = Bin(self._library, db)
            for item in sorted(bin_.items(), key=lambda item: item.kind):
                bin_.restore(item.id)
        self._settle()


def _chosen(widget: QWidget) -> int:
    """How many things one key may delete."""
    if isinstance(widget, QAbstractItemView):
        return len(widget.selectionModel().selectedRows())
    return 1


@pytest.mark.parametrize("page", PAGES)
def test_no_key_loses_anything(
    harmless: None,
    library: Library,
    services: Services,
    qtbot: QtBot,
    page: str,
) -> None:
    fill(library)
    if page == "bin":
        with opened(library.database) as db:
            bin_ = Bin(library, db)
            bin_.delete_adapter("Amber")
            bin_.delete_model("large")
            bin_.delete_notes([1])
            bin_.delete_conversations([1, 2])
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    sweep = Sweep(window, library, page)
    sweep.run()
    assert sweep.deleted >= DELETES.get(page, set())
