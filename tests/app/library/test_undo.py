"""The window's undo history, and whose undo a key is."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.adapters.page import AdaptersPage
from app.chat.page import ChatPage
from app.library.undo_history import Step, UndoHistory, silently
from app.services import Services
from app.shell.window import Window
from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.database import connect
from tests.app.filled import add_adapter, add_notes
from tests.app.recorded import RunMaker

CTRL = Qt.KeyboardModifier.ControlModifier
ADAPTER_RUN = "20261123-010203-abcd"  # of the adapters that tests make
SHIFT = Qt.KeyboardModifier.ShiftModifier


class Ledger:
    """What steps did to the library, in order."""

    def __init__(self, history: UndoHistory) -> None:
        self.history = history
        self.entries: list[str] = []

    def do(self, name: str) -> None:
        self.history.do(
            Step(
                name,
                f"Did {name}.",
                silently(lambda _: self.entries.append(name)),
                silently(lambda _: self.entries.remove(name)),
                lambda _: None,
            )
        )


@pytest.fixture
def ledger(services: Services) -> Ledger:
    return Ledger(services.history)


def test_many_steps_are_undone_and_redone_in_order(ledger: Ledger, qtbot: QtBot) -> None:
    names = [str(number) for number in range(60)]
    for name in names:
        ledger.do(name)
    for _ in range(55):
        ledger.history.undo()
    qtbot.waitUntil(lambda: ledger.entries == names[:5])
    assert (ledger.history.undo_name, ledger.history.redo_name) == ("4", "5")
    for _ in range(55):
        ledger.history.redo()
    qtbot.waitUntil(lambda: ledger.entries == names)


def test_something_new_leaves_nothing_to_redo(ledger: Ledger, qtbot: QtBot) -> None:
    ledger.do("a")
    ledger.history.undo()
    ledger.do("b")
    assert ledger.history.redo_name is None
    ledger.history.redo()
    qtbot.waitUntil(lambda: ledger.entries == ["b"])


def test_a_step_that_fails_says_so_and_goes(
    ledger: Ledger, services: Services, qtbot: QtBot
) -> None:
    def fail(_: object) -> str:
        raise OvernightError(ErrorKind.BAD_INPUT, "It is gone.", "Do without.")

    ledger.do("a")
    services.history.do(Step("b", "Did b.", silently(lambda _: None), fail, lambda _: None))
    said: list[tuple[str, bool]] = []
    services.history.said.connect(lambda *each: said.append(each))
    services.history.undo()
    qtbot.waitUntil(lambda: ("It is gone. Do without.", False) in said)
    assert (services.history.undo_name, services.history.redo_name) == ("a", None)


def press(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = CTRL) -> None:
    QTest.keyClick(widget, key, modifiers)


def shown(window: Window) -> list[str]:
    page = cast(AdaptersPage, window.page("adapters"))
    return [page.table.index(row).data() for row in range(page.table.rowCount())]


def shows(window: Window, names: list[str]) -> bool:
    return shown(window) == names


@pytest.fixture
def adapters(library: Library, stand_ins: None, window: Window, qtbot: QtBot) -> AdaptersPage:
    """The page with three adapters, in a window that has the focus."""
    for age, name in enumerate("ABC"):
        add_adapter(library, name, age_s=age)
    window.show_page("adapters")
    window.activateWindow()
    qtbot.waitUntil(lambda: shown(window) == ["A", "B", "C"])
    return cast(AdaptersPage, window.page("adapters"))


def test_menu_names_the_steps_and_keys_reach_them(
    adapters: AdaptersPage, window: Window, qtbot: QtBot
) -> None:
    adapters.list.setFocus()
    press(adapters.list, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier)
    assert window.undo.undo.text() == "Undo Delete “A”"
    assert window.menus.edit_menu.actions()[:2] == [window.undo.undo, window.undo.redo]
    qtbot.waitUntil(lambda: shown(window) == ["B", "C"])
    press(adapters.list, Qt.Key.Key_Z)
    qtbot.waitUntil(lambda: shown(window) == ["A", "B", "C"])
    assert window.undo.redo.text() == "Redo Delete “A”"
    press(adapters.list, Qt.Key.Key_Z, CTRL | SHIFT)
    qtbot.waitUntil(lambda: shown(window) == ["B", "C"])


def test_nothing_is_settled_by_what_happens_meanwhile(
    adapters: AdaptersPage, window: Window, qtbot: QtBot
) -> None:
    adapters.list.setFocus()
    for left in (["B", "C"], ["C"]):
        press(adapters.list, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier)
        qtbot.waitUntil(functools.partial(shows, window, left))
    adapters.undo_bar.close_button.click()
    assert not adapters.undo_bar.isVisible()
    window.showMinimized()
    qtbot.wait(10)
    window.come_forward()
    window.show_page("notes")
    window.show_page("chat")
    chat = cast(ChatPage, window.page("chat"))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    chat.input.setFocus()
    press(chat.input, Qt.Key.Key_Z)  # an empty field has nothing of its own to undo
    qtbot.waitUntil(lambda: shown(window) == ["B", "C"])
    window.hide()
    window.show()
    window.undo.undo.trigger()
    qtbot.waitUntil(lambda: shown(window) == ["A", "B", "C"])


def test_typing_is_undone_first(adapters: AdaptersPage, window: Window, qtbot: QtBot) -> None:
    adapters.list.setFocus()
    press(adapters.list, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(lambda: shown(window) == ["B", "C"])
    window.show_page("chat")
    chat = cast(ChatPage, window.page("chat"))
    chat.input.setFocus()
    QTest.keyClicks(chat.input, "abc")
    window.menus.edit_menu.aboutToShow.emit()
    assert window.undo.undo.text() == "Undo Typing"
    press(chat.input, Qt.Key.Key_Z)
    assert chat.input.text() == ""
    assert window.undo.undo.isEnabled()
    press(chat.input, Qt.Key.Key_Z, CTRL | SHIFT)
    assert chat.input.text() == "abc"
    window.undo.undo.trigger()
    assert chat.input.text() == ""
    press(chat.input, Qt.Key.Key_Z)
    qtbot.waitUntil(lambda: shown(window) == ["A", "B", "C"])


def test_a_search_field_lets_go_of_the_key_too(
    adapters: AdaptersPage, window: Window, library: Library, qtbot: QtBot
) -> None:
    add_notes(library)
    adapters.list.setFocus()
    press(adapters.list, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(lambda: shown(window) == ["B", "C"])
    window.show_page("notes")
    press(window, Qt.Key.Key_F)
    field = window.focusWidget()
    assert field is not None
    press(field, Qt.Key.Key_Z)
    qtbot.waitUntil(lambda: shown(window) == ["A", "B", "C"])


def test_sidebar_and_backspace_delete_nothing(
    adapters: AdaptersPage, window: Window, qtbot: QtBot, library: Library, tmp_path: Path
) -> None:
    window.show_page("notes")
    pages = window.sidebar.list
    row = pages.visualItemRect(pages.item(3)).center()
    QTest.mouseClick(pages.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert adapters.isVisible()
    for key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
        press(pages, key, Qt.KeyboardModifier.NoModifier)
    qtbot.wait(20)
    assert shown(window) == ["A", "B", "C"]


def test_chat_follows_an_adapter_that_is_renamed(
    adapters: AdaptersPage, window: Window, qtbot: QtBot
) -> None:
    adapters.detail.chat.click()
    chat = cast(ChatPage, window.page("chat"))
    qtbot.waitUntil(lambda: chat.answerer.chosen.adapter == "A")
    window.show_page("adapters")
    adapters.list.setFocus()
    press(adapters.list, Qt.Key.Key_F2, Qt.KeyboardModifier.NoModifier)
    QTest.keyClicks(adapters.rename.field, "Diary")
    press(adapters.rename.field, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    qtbot.waitUntil(lambda: chat.answerer.chosen.adapter == "Diary")
    window.undo.undo.trigger()
    qtbot.waitUntil(lambda: chat.answerer.chosen.adapter == "A")


def test_a_report_leads_to_its_adapter_whatever_that_is_called_now(
    adapters: AdaptersPage, window: Window, make_run: RunMaker, qtbot: QtBot
) -> None:
    make_run(name="Night", last=(protocol.Finished(result={}),), job_id=ADAPTER_RUN)
    qtbot.waitUntil(window.strip.chat.isVisible)
    window.strip.chat.click()
    chat = cast(ChatPage, window.page("chat"))
    qtbot.waitUntil(lambda: chat.answerer.chosen.adapter == "A")
    assert not chat.notice.isVisible()


def menu_entry(text: str) -> QAction:
    """An entry of the context menu that is open."""
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, QMenu)
    return next(action for action in popup.actions() if action.text() == text)


def test_menus_delete_and_rename_what_was_clicked(
    adapters: AdaptersPage, window: Window, qtbot: QtBot
) -> None:
    point = adapters.list.visualRect(adapters.table.index(1)).center()
    adapters.list.customContextMenuRequested.emit(point)
    delete = menu_entry("Delete")
    assert delete.shortcut().toString() == "Del"
    delete.trigger()
    qtbot.waitUntil(lambda: shown(window) == ["A", "C"])
    assert adapters.detail.title.text() == "A"  # which was chosen, and is still
    while (popup := QApplication.activePopupWidget()) is not None:
        popup.close()
    adapters.list.customContextMenuRequested.emit(point)
    menu_entry("Rename").trigger()
    assert adapters.rename.field.text() == "C"


def test_what_a_job_needs_is_not_deleted_and_that_is_said(
    adapters: AdaptersPage,
    window: Window,
    launched: list[JobFolder],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    adapters.detail.start_export(tmp_path / "out")
    qtbot.waitUntil(lambda: len(launched) == 1)
    adapters.list.setFocus()
    for _ in range(2):  # that it was read once is no reason to be silent
        press(adapters.list, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier)
        qtbot.waitUntil(window.notices.isVisible)
        assert "“A” is being exported. Wait" in window.notices.label.text()
        assert shown(window) == ["A", "B", "C"]
        qtbot.waitUntil(lambda: adapters.detail.title.text() == "A")
        assert window.undo.undo.text() == "Undo"
        QTest.mouseClick(window.notices.close_button, Qt.MouseButton.LeftButton)
        assert not window.notices.isVisible()


def test_what_cannot_be_undone_now_can_be_undone_later(
    adapters: AdaptersPage, window: Window, library: Library, services: Services, qtbot: QtBot
) -> None:
    services.background.call(_lose_patience, lambda _: None)
    adapters.list.setFocus()
    for left in (["B", "C"], ["C"]):
        press(adapters.list, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier)
        qtbot.waitUntil(functools.partial(shows, window, left))
    with contextlib.closing(connect(library.database)) as other:
        other.execute("BEGIN IMMEDIATE")  # another program writes to the library
        press(adapters.list, Qt.Key.Key_Z)
        qtbot.waitUntil(lambda: "Another program" in adapters.undo_bar.label.text(), timeout=30_000)
        other.execute("ROLLBACK")
    assert window.undo.undo.text() == "Undo Delete “B”"
    assert window.undo.redo.text() == "Redo"
    press(adapters.list, Qt.Key.Key_Z)
    qtbot.waitUntil(lambda: shown(window) == ["B", "C"])
    press(adapters.list, Qt.Key.Key_Z)
    qtbot.waitUntil(lambda: shown(window) == ["A", "B", "C"])


def _lose_patience(db: sqlite3.Connection) -> None:
    """Wait for another program no longer than a test has to."""
    db.execute("PRAGMA busy_timeout = 200")


def test_of_several_of_which_one_is_busy_the_others_can_be_undone(
    adapters: AdaptersPage,
    window: Window,
    launched: list[JobFolder],
    services: Services,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    qtbot.waitUntil(lambda: adapters.detail.title.text() == "A")
    adapters.detail.start_export(tmp_path / "out")
    qtbot.waitUntil(lambda: len(launched) == 1)
    services.deletions.delete("adapter", ["B", "C", "A"], "")
    qtbot.waitUntil(lambda: shown(window) == ["A"])
    told = adapters.undo_bar
    assert told.label.text().startswith("Deleted 2 of 3 adapters. The adapter “A” is being")
    QTest.mouseClick(told.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown(window) == ["A", "B", "C"])


def test_a_step_whose_trouble_passes_keeps_its_place(
    ledger: Ledger, services: Services, qtbot: QtBot
) -> None:
    is_full = True

    def undo(_: object) -> str:
        if is_full:
            raise OSError(28, "No space left on device")
        ledger.entries.remove("b")
        return ""

    ledger.do("a")
    do = silently(lambda _: ledger.entries.append("b"))
    services.history.do(Step("b", "Did b.", do, undo, lambda _: None))
    services.history.undo()
    services.history.undo()
    qtbot.waitUntil(lambda: ledger.entries == ["b"])
    qtbot.waitUntil(lambda: services.history.undo_name == "b")
    assert services.history.redo_name == "a"
    is_full = False
    services.history.undo()
    qtbot.waitUntil(lambda: ledger.entries == [])
