"""A disk that is full: nothing interrupts the typing, nothing typed is lost, all is saved later."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.library import background as background_module
from app.shell.window import Window
from app.widgets.confirm_dialog import ConfirmDialog
from app.widgets.error_dialog import ErrorDialog
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import connect
from mlx_backend.settings import load_settings
from tests.app.filled import add_adapter

pytestmark = pytest.mark.usefixtures("disk", "stand_ins")  # before the window is made


class Disk:
    """A disk that can be filled and emptied."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        self.refused = 0
        monkeypatch.setattr("mlx_backend.json_file.write_atomically", self._write)
        for name in ("add", "begin_as", "save"):
            monkeypatch.setattr(Conversations, name, self._guarded(getattr(Conversations, name)))

    def _guarded(self, really: Callable[..., object]) -> Callable[..., object]:
        def write(*given: object) -> object:
            self._check("library.sqlite")
            return really(*given)

        return write

    def _write(self, path: Path, data: bytes) -> None:
        self._check(str(path))
        write_atomically(path, data)

    def _check(self, name: str) -> None:
        if self.is_full:
            self.refused += 1
            raise OSError(errno.ENOSPC, "No space left on device", name)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(background_module, "_AGAIN_MS", 30)
    return Disk(monkeypatch)


@pytest.fixture
def page(library: Library, window: Window, qtbot: QtBot) -> ChatPage:
    add_adapter(library, "Notes")
    window.show_page("chat")
    page = window.page("chat")
    assert isinstance(page, ChatPage)
    qtbot.waitUntil(lambda: page.answerer.menu.count() > 1)
    return page


@pytest.fixture
def stored(library: Library) -> Iterator[Callable[[], list[list[StoredTurn]]]]:
    connection = connect(library.database)

    def read() -> list[list[StoredTurn]]:
        conversations = Conversations(connection)
        return [list(conversations.turns(each.id)) for each in conversations.all()]

    yield read
    connection.close()


def ask(page: ChatPage, text: str) -> None:
    QTest.keyClicks(page.input, text)
    QTest.keyClick(page.input, Qt.Key.Key_Return)


def questions(page: ChatPage) -> list[str]:
    return [exchange.question for exchange in page.session.exchanges]


def settle(page: ChatPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: bool(page.session.exchanges) and not page.session.is_busy)


def no_dialog() -> bool:
    return not any(isinstance(w, QDialog) for w in QApplication.topLevelWidgets() if w.isVisible())


def test_typing_goes_on_while_nothing_can_be_saved_and_is_saved_later(
    window: Window, page: ChatPage, disk: Disk, library: Library, qtbot: QtBot
) -> None:
    window.activateWindow()
    qtbot.waitUntil(page.input.hasFocus)
    disk.is_full = True
    for count, letter in enumerate("What is it?", start=1):
        QTest.keyClicks(page.input, letter)
        page.remembered.flush()
        qtbot.waitUntil(lambda count=count: disk.refused >= count)  # type: ignore[misc]
    assert page.input.text() == "What is it?"
    assert page.input.hasFocus()
    assert no_dialog()
    assert window.notices.isVisible()
    assert "The disk is full" in window.notices.label.text()
    assert "saved as soon as" in window.notices.label.text()
    disk.is_full = False
    qtbot.waitUntil(lambda: not window.notices.isVisible())
    qtbot.waitUntil(lambda: b"What is it?" in (library.home / "chat.json").read_bytes())


def test_a_trouble_that_was_read_does_not_come_again_until_it_is_over(
    window: Window, page: ChatPage, disk: Disk, qtbot: QtBot
) -> None:
    disk.is_full = True
    page.remembered.set_draft(None, "one")
    page.remembered.flush()
    qtbot.waitUntil(window.notices.isVisible)
    QTest.mouseClick(window.notices.details, Qt.MouseButton.LeftButton)
    (dialog,) = (d for d in window.findChildren(ErrorDialog) if d.isVisible())
    dialog.accept()
    QTest.mouseClick(window.notices.close_button, Qt.MouseButton.LeftButton)
    before = disk.refused
    qtbot.waitUntil(lambda: disk.refused > before + 2)
    assert not window.notices.isVisible()
    disk.is_full = False
    with qtbot.waitSignal(page._services.background.recovered):
        pass
    disk.is_full = True
    page.remembered.set_draft(None, "two")
    page.remembered.flush()
    qtbot.waitUntil(window.notices.isVisible)
    disk.is_full = False
    qtbot.waitUntil(lambda: not window.notices.isVisible())


def test_a_setting_holds_and_is_saved_when_there_is_room(
    window: Window, page: ChatPage, disk: Disk, library: Library, qtbot: QtBot
) -> None:
    preferences = page._services.preferences
    disk.is_full = True
    preferences.change(hours=2.5)
    preferences.change(rank=8)
    qtbot.waitUntil(lambda: disk.refused > 2)
    assert (preferences.settings.hours, preferences.settings.rank) == (2.5, 8)
    assert no_dialog()
    disk.is_full = False
    qtbot.waitUntil(lambda: load_settings(library.settings) == preferences.settings)


def test_a_question_that_cannot_be_kept_stays_in_its_field(
    page: ChatPage, disk: Disk, qtbot: QtBot, stored: Callable[[], list[list[StoredTurn]]]
) -> None:
    disk.is_full = True
    ask(page, "First")
    qtbot.waitUntil(lambda: not page.session.is_busy)
    assert page.input.text() == "First"
    assert questions(page) == []
    assert "The disk is full" in page.notice.text()
    assert no_dialog()
    disk.is_full = False
    QTest.keyClick(page.input, Qt.Key.Key_Return)
    settle(page, qtbot)
    qtbot.waitUntil(lambda: [len(turns) for turns in stored()] == [2])
    assert page.input.text() == ""


def test_in_an_old_conversation_no_answer_stands_in_the_place_of_another(
    page: ChatPage, disk: Disk, qtbot: QtBot, stored: Callable[[], list[list[StoredTurn]]]
) -> None:
    ask(page, "First")
    settle(page, qtbot)
    qtbot.waitUntil(lambda: [len(turns) for turns in stored()] == [2])
    disk.is_full = True
    ask(page, "Second")
    QTest.keyClicks(page.input, "more")
    qtbot.waitUntil(lambda: not page.session.is_busy)
    assert questions(page) == ["First"]
    assert len(page.transcript.views) == 1
    assert page.input.text() == "Second\n\nmore"
    page.asking.again(0)
    qtbot.waitUntil(lambda: not page.session.is_busy)
    assert page.input.text() == "Second\n\nmore"
    assert len(page.session.exchanges[0].answers) == 1
    disk.is_full = False
    page.input.clear()
    ask(page, "hang")
    qtbot.waitUntil(lambda: bool(page.session.exchanges[-1].answer_of(None)))
    disk.is_full = True
    page.stop.click()
    qtbot.waitUntil(lambda: disk.refused > 2)
    disk.is_full = False
    ask(page, "Third")
    settle(page, qtbot)
    qtbot.waitUntil(lambda: [len(turns) for turns in stored()] == [6])
    (turns,) = stored()
    assert [turn.text for turn in turns if turn.role == "user"] == ["First", "hang", "Third"]
    assert turns[-1].parent == next(turn.id for turn in turns if turn.text == "Third")
    conversation = page.session.conversation
    page.new_conversation()
    with qtbot.waitSignal(page.session.opened):
        page.session.open(conversation)
    said = [(each.question, each.answers[0].text) for each in page.session.exchanges]
    assert [question for question, _ in said] == ["First", "hang", "Third"]
    assert said[0][1].endswith("First")
    assert said[2][1].endswith("Third")


def test_an_answer_that_cannot_be_kept_is_kept_before_the_next_question(
    page: ChatPage, disk: Disk, qtbot: QtBot, stored: Callable[[], list[list[StoredTurn]]]
) -> None:
    ask(page, "hang first")
    qtbot.waitUntil(
        lambda: bool(page.session.exchanges[-1:] and page.session.exchanges[-1].answers)
    )
    qtbot.waitUntil(lambda: page.session.exchanges[-1].answers[0].text != "")
    disk.is_full = True
    QTest.keyClick(page.input, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: disk.refused > 0)
    disk.is_full = False
    ask(page, "Second")
    settle(page, qtbot)
    qtbot.waitUntil(lambda: [len(turns) for turns in stored()] == [4])
    assert [turn.role for turn in stored()[0]] == ["user", "assistant"] * 2


def test_a_question_comes_back_to_the_conversation_that_it_was_for(
    page: ChatPage, disk: Disk, qtbot: QtBot, stored: Callable[[], list[list[StoredTurn]]]
) -> None:
    ask(page, "First")
    settle(page, qtbot)
    first = page.session.conversation
    disk.is_full = True
    ask(page, "Second")
    page.new_conversation()
    qtbot.waitUntil(lambda: page.remembered.draft(first) == "Second")
    assert questions(page) == []
    assert page.input.text() == ""
    disk.is_full = False
    with qtbot.waitSignal(page.session.opened):
        page.session.open(first)
    assert page.input.text() == "Second"
    assert questions(page) == ["First"]


def test_what_nobody_expected_is_a_quiet_line_too(window: Window) -> None:
    error = OvernightError(ErrorKind.INTERNAL, "Something went wrong.", "Try again.")
    window.notices.show_error(error)
    window.notices.show_error(error)
    assert window.notices.label.text() == "Something went wrong. Try again."
    assert no_dialog()
    QTest.mouseClick(window.notices.close_button, Qt.MouseButton.LeftButton)
    assert not window.notices.isVisible()


def close_and_press(window: Window, name: str) -> list[str]:
    """Close the window and answer what it asks; gives the question."""
    asked: list[str] = []

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ConfirmDialog)
        asked.append(dialog.question.text())
        QTest.mouseClick(getattr(dialog, name), Qt.MouseButton.LeftButton)

    def look() -> None:
        if QApplication.activeModalWidget() is not None:
            answer()
        elif not asked:
            QTimer.singleShot(10, look)

    look()
    window.close()
    asked.append("")  # nobody looks on
    return [question for question in asked if question]


def test_the_window_does_not_close_over_what_cannot_be_saved(
    page: ChatPage, window: Window, disk: Disk
) -> None:
    disk.is_full = True
    QTest.keyClicks(page.input, "A draft")
    assert close_and_press(window, "cancel") == ["What you typed is not saved yet"]
    assert window.isVisible()
    assert page.input.toPlainText() == "A draft"
    assert close_and_press(window, "deed") == ["What you typed is not saved yet"]
    assert not window.isVisible()


def test_what_was_typed_last_is_saved_before_the_window_closes(
    page: ChatPage, window: Window, library: Library
) -> None:
    QTest.keyClicks(page.input, "A draft")
    assert close_and_press(window, "cancel") == []
    assert "A draft" in (library.home / "chat.json").read_text()
    assert not window.isVisible()
