"""The Edit menu acts on what has the keyboard's focus, and Find on the page that is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.notes.page import NotesPage
from app.services import Services
from app.shell.window import Window
from app.widgets.find_bar import FindBar
from app.widgets.fitted_text import FittedText
from app.widgets.labels import paragraph
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import opened
from tests.app.filled import TEXTS, add_notes

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def enabled(window: Window) -> list[str]:
    edit = window.menus.edit
    actions: tuple[QAction, ...] = (edit.cut, edit.copy, edit.paste, edit.select_all)
    return [action.text().replace("&", "") for action in actions if action.isEnabled()]


@pytest.fixture
def clipboard(qapp: QApplication) -> Iterator[None]:
    QGuiApplication.clipboard().clear()
    yield
    QGuiApplication.clipboard().clear()


@pytest.fixture
def chat(stand_ins: None, library: Library, window: Window, qtbot: QtBot) -> ChatPage:
    window.activateWindow()
    window.show_page("chat")
    page = cast(ChatPage, window.page("chat"))
    page.input.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is page.input)
    return page


def test_edit_menu_of_a_text_field(clipboard: None, window: Window, chat: ChatPage) -> None:
    edit = window.menus.edit
    assert enabled(window) == []
    QTest.keyClicks(chat.input, "Where is Comma?")
    assert enabled(window) == ["Select All"]
    edit.select_all.trigger()
    assert enabled(window) == ["Cut", "Copy", "Select All"]
    edit.cut.trigger()
    assert chat.input.text() == ""
    assert enabled(window) == ["Paste"]
    edit.paste.trigger()
    edit.paste.trigger()
    assert chat.input.text() == "Where is Comma?Where is Comma?"


def test_keys_stay_with_the_text_field(clipboard: None, window: Window, chat: ChatPage) -> None:
    QTest.keyClicks(chat.input, "bagpipes")
    QTest.keyClick(chat.input, Qt.Key.Key_A, CONTROL)
    QTest.keyClick(chat.input, Qt.Key.Key_C, CONTROL)
    QTest.keyClick(chat.input, Qt.Key.Key_End)
    QTest.keyClick(chat.input, Qt.Key.Key_V, CONTROL)
    assert chat.input.text() == "bagpipesbagpipes"


def test_edit_menu_of_a_list(
    clipboard: None, library: Library, window: Window, qtbot: QtBot
) -> None:
    add_notes(library)
    page = cast(NotesPage, window.page("notes"))
    window.activateWindow()
    page.refresh()
    qtbot.waitUntil(lambda: page.table.rowCount() == 3)
    page.list.setFocus()
    qtbot.waitUntil(lambda: all(page.table.note(row) for row in range(3)))
    assert enabled(window) == ["Select All"]
    QTest.keyClick(page.list, Qt.Key.Key_A, CONTROL)
    assert len(page.list.chosen_ids()) == 3
    QTest.keyClick(page.list, Qt.Key.Key_C, CONTROL)
    copied = QGuiApplication.clipboard().text().splitlines()
    assert sorted(line.split("\t")[0] for line in copied) == sorted(TEXTS)


def test_selected_words_of_a_label_can_be_copied(
    clipboard: None, window: Window, qtbot: QtBot
) -> None:
    told: QLabel = paragraph("Sir Reginald wears a lime ring.")
    qtbot.addWidget(told)
    told.show()
    told.activateWindow()
    told.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is told)
    told.setSelection(0, 12)
    window.menus.edit.refresh()
    assert enabled(window) == ["Copy", "Select All"]
    window.menus.edit.copy.trigger()
    assert QGuiApplication.clipboard().text() == "Sir Reginald"


def talk_into(library: Library, exchanges: int) -> int:
    with opened(library.database) as db:
        conversations = Conversations(db)
        talk = conversations.start("Puffins")
        for number in range(exchanges):
            question = "Where is Reginald?" if number == 0 else f"Question {number}"
            conversations.add(talk, StoredTurn("user", question, None))
            conversations.add(talk, StoredTurn("assistant", "A puffin in burrow 72.", "Notes"))
    return talk


@pytest.fixture
def talked(library: Library, chat: ChatPage, qtbot: QtBot) -> FindBar:
    """The find bar over a conversation of three exchanges."""
    chat.session.open(talk_into(library, 3))
    qtbot.waitUntil(lambda: len(chat.transcript.views) == 3)
    QTest.keyClick(chat.window(), Qt.Key.Key_F, CONTROL)
    assert chat.find_bar.isVisible()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is chat.find_bar.field)
    return chat.find_bar


def marked(chat: ChatPage) -> int:
    texts = [text for view in chat.transcript.views for text in view.findChildren(FittedText)]
    return sum(len(text.extraSelections()) for text in texts)


def test_find_in_a_conversation(talked: FindBar, chat: ChatPage) -> None:
    QTest.keyClicks(talked.field, "PUFFIN")
    assert talked.count.text() == "3 of 3"
    assert marked(chat) == 3
    QTest.keyClick(talked.field, Qt.Key.Key_Return)
    assert talked.count.text() == "1 of 3"
    QTest.keyClick(talked.field, Qt.Key.Key_Return)
    QTest.keyClick(talked.field, Qt.Key.Key_Return, SHIFT)
    assert talked.count.text() == "1 of 3"
    talked.after.click()
    assert talked.count.text() == "2 of 3"
    QTest.keyClick(talked.field, Qt.Key.Key_Escape)
    assert not talked.isVisible()
    assert marked(chat) == 0
    assert QApplication.focusWidget() is chat.input


def test_what_is_found_stays_marked_in_other_colours(
    talked: FindBar, chat: ChatPage, services: Services, qtbot: QtBot
) -> None:
    QTest.keyClicks(talked.field, "PUFFIN")
    for appearance in ("dark", "light"):
        services.style.set_appearance(appearance)
        qtbot.wait(1)
        texts = [text for view in chat.transcript.views for text in view.findChildren(FittedText)]
        marks = [mark for text in texts for mark in text.extraSelections()]
        assert [mark.cursor.selectedText() for mark in marks] == ["puffin"] * 3


def test_what_is_not_there_is_not_found(talked: FindBar) -> None:
    QTest.keyClicks(talked.field, "walrus")
    assert talked.count.text() == "Not found"
    assert not talked.after.isEnabled()


@pytest.mark.parametrize(
    ("typed", "found"),
    [("STRASSE", "Straße"), ("muller", "Müller"), ("MÜLL", "Müll"), ("istanbul", "İstanbul")],
)
def test_find_knows_a_word_in_any_letters(
    library: Library, chat: ChatPage, qtbot: QtBot, typed: str, found: str
) -> None:
    with opened(library.database) as db:
        conversations = Conversations(db)
        talk = conversations.start("Where?")
        conversations.add(talk, StoredTurn("user", "Where?", None))
        said = "\N{OWL} First.\n\n\N{OWL} Müller, Straße 3, İstanbul."
        conversations.add(talk, StoredTurn("assistant", said, "Notes"))
    chat.session.open(talk)
    qtbot.waitUntil(lambda: len(chat.transcript.views) == 1)
    QTest.keyClick(chat.window(), Qt.Key.Key_F, CONTROL)
    QTest.keyClicks(chat.find_bar.field, typed)
    assert chat.find_bar.count.text() == "1 of 1"
    (view,) = chat.transcript.views
    texts = view.findChildren(FittedText)
    marks = [each for text in texts for each in text.extraSelections()]
    assert [mark.cursor.selectedText() for mark in marks] == [found]


def test_find_reaches_what_is_not_laid_out_yet(
    library: Library, chat: ChatPage, qtbot: QtBot
) -> None:
    chat.session.open(talk_into(library, 45))
    qtbot.waitUntil(lambda: len(chat.transcript.views) == 30)
    QTest.keyClick(chat.window(), Qt.Key.Key_F, CONTROL)
    QTest.keyClicks(chat.find_bar.field, "Reginald")
    assert chat.find_bar.count.text() == "1 of 1"
    assert len(chat.transcript.views) == 45


def test_find_on_the_samples_is_their_search(
    library: Library, window: Window, qtbot: QtBot
) -> None:
    page = cast(NotesPage, window.page("notes"))
    add_notes(library)
    page.refresh()
    window.activateWindow()
    qtbot.waitUntil(lambda: page.table.rowCount() == 3)
    page.show_samples()
    page.samples.search.show()
    QTest.keyClick(window, Qt.Key.Key_F, CONTROL)
    assert window.focusWidget() is page.samples.search
