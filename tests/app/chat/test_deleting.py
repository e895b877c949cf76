"""Deleting and renaming conversations, and what chat does when its adapter is gone."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.services import Services
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import opened
from tests.app.chat.chatting import ask, settle, stored
from tests.app.filled import add_adapter


@pytest.fixture
def page(stand_ins: None, library: Library, services: Services, qtbot: QtBot) -> ChatPage:
    """The page, with one adapter to chat with."""
    add_adapter(library, "Notes")
    page = ChatPage(services)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    qtbot.waitUntil(lambda: page.answerer.menu.count() > 1)
    return page


def talk(library: Library, *titles: str) -> list[int]:
    with opened(library.database) as db:
        ids = [Conversations(db).start(title) for title in titles]
        for conversation, title in zip(ids, titles, strict=True):
            Conversations(db).add(conversation, StoredTurn("user", title, None))
    return ids


def listed(page: ChatPage) -> list[str]:
    return [page.sidebar.list.index(row).data() for row in range(page.sidebar.list.rowCount())]


def test_deleting_can_be_undone(page: ChatPage, qtbot: QtBot, library: Library) -> None:
    ask(page, "First")
    settle(page, qtbot)
    qtbot.waitUntil(lambda: page.sidebar.list.rowCount() == 1)
    conversation = page.session.conversation
    page.input.set_text("half a question")
    page.sidebar.view.setFocus()
    QTest.keyClick(page.sidebar.view, Qt.Key.Key_Delete)
    assert page.session.exchanges == ()
    assert page.input.text() == ""
    qtbot.waitUntil(lambda: page.sidebar.list.rowCount() == 0)
    assert stored(library) == []
    page.undo_bar.button.click()
    qtbot.waitUntil(lambda: page.session.conversation == conversation)
    assert len(stored(library)) == 2
    assert page.input.text() == "half a question"


def test_two_presses_delete_two_conversations_and_the_next_one_is_open(
    page: ChatPage, qtbot: QtBot, library: Library, services: Services
) -> None:
    ids = talk(library, "One", "Two", "Three", "Four")
    page.refresh()
    qtbot.waitUntil(lambda: listed(page) == ["Four", "Three", "Two", "One"])
    page.session.open(ids[2])
    qtbot.waitUntil(lambda: page.session.conversation == ids[2])
    page.sidebar.view.setFocus()
    QTest.keyClick(page.sidebar.view, Qt.Key.Key_Backspace)
    QTest.keyClick(page.sidebar.view, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: listed(page) == ["Four", "One"])
    qtbot.waitUntil(lambda: page.session.conversation == ids[0])
    assert [turn.text for turn in stored(library)] == ["Four", "One"]
    services.history.undo()
    services.history.undo()
    qtbot.waitUntil(lambda: listed(page) == ["Four", "Three", "Two", "One"])
    qtbot.waitUntil(lambda: page.session.conversation == ids[2])


def test_an_answer_that_runs_is_cancelled_and_comes_back_as_far_as_it_was(
    page: ChatPage, qtbot: QtBot, library: Library
) -> None:
    ask(page, "hang")

    def has_said_all() -> bool:
        answer = page.session.exchanges[0].answer_of("Notes")
        return answer is not None and answer.text == "Notes heard "

    qtbot.waitUntil(has_said_all)
    qtbot.waitUntil(lambda: page.sidebar.list.rowCount() == 1)
    page.sidebar.view.setFocus()
    QTest.keyClick(page.sidebar.view, Qt.Key.Key_Delete)
    assert not page.session.is_busy
    qtbot.waitUntil(lambda: page.sidebar.list.rowCount() == 0)
    page.undo_bar.button.click()
    qtbot.waitUntil(lambda: len(page.session.exchanges) == 1)
    assert [turn.text for turn in stored(library)] == ["hang", "Notes heard "]
    ask(page, "again")
    settle(page, qtbot)


def test_a_conversation_deleted_with_its_question_on_the_way_is_not_answered(
    page: ChatPage, qtbot: QtBot, library: Library, services: Services
) -> None:
    (conversation,) = talk(library, "One")
    page.refresh()
    page.session.open(conversation)
    qtbot.waitUntil(lambda: page.session.conversation == conversation)
    qtbot.waitUntil(lambda: listed(page) == ["One"])
    with qtbot.assertNotEmitted(services.background.failed):
        ask(page, "And two?")
        page.sidebar.view.setFocus()
        QTest.keyClick(page.sidebar.view, Qt.Key.Key_Delete)
        qtbot.waitUntil(lambda: listed(page) == [])
        qtbot.wait(50)
    assert not page.session.is_busy
    page.undo_bar.button.click()
    qtbot.waitUntil(lambda: len(stored(library)) == 2)


def test_an_answer_of_a_conversation_that_went_elsewhere_waits_for_it(
    page: ChatPage, qtbot: QtBot, library: Library, services: Services
) -> None:
    ask(page, "hang")
    qtbot.waitUntil(lambda: bool(page.session.exchanges[0].answer_of("Notes")))
    conversation = page.session.conversation
    assert conversation is not None
    with opened(library.database) as db:
        (item,) = Bin(library, db).delete_conversations([conversation])
    with qtbot.assertNotEmitted(services.background.failed):
        QTest.keyClick(page.input, Qt.Key.Key_Escape)
        assert not page.session.is_busy
        page.session.open(None)
        with opened(library.database) as db:
            Bin(library, db).restore(item.id)
        page.session.open(conversation)
        qtbot.waitUntil(lambda: bool(page.session.exchanges))
    answer = page.session.exchanges[0].answer_of("Notes")
    assert answer is not None
    assert answer.text == "Notes heard "
    qtbot.waitUntil(lambda: [turn.text for turn in stored(library)] == ["hang", "Notes heard "])


def test_a_question_in_a_conversation_that_went_elsewhere_comes_back(
    page: ChatPage, qtbot: QtBot, library: Library
) -> None:
    (conversation,) = talk(library, "One")
    page.session.open(conversation)
    qtbot.waitUntil(lambda: page.session.conversation == conversation)
    with opened(library.database) as db:
        Bin(library, db).delete_conversations([conversation])
    ask(page, "And two?")
    qtbot.waitUntil(lambda: "has been deleted" in page.notice.text())
    assert page.input.text() == "And two?"


def test_a_new_conversation_is_listed_after_one_was_deleted(
    page: ChatPage, qtbot: QtBot, library: Library
) -> None:
    ask(page, "First")
    settle(page, qtbot)
    qtbot.waitUntil(lambda: listed(page) == ["First"])
    page.sidebar.view.setFocus()
    QTest.keyClick(page.sidebar.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: listed(page) == [])
    ask(page, "Second")
    settle(page, qtbot)
    qtbot.waitUntil(lambda: listed(page) == ["Second"])


def test_a_conversation_is_renamed_in_place(
    page: ChatPage, qtbot: QtBot, library: Library, services: Services
) -> None:
    talk(library, "One", "Two")
    page.refresh()
    qtbot.waitUntil(lambda: listed(page) == ["Two", "One"])
    page.sidebar.view.setFocus()
    page.sidebar.view.setCurrentIndex(page.sidebar.list.index(1))
    QTest.keyClick(page.sidebar.view, Qt.Key.Key_F2)
    field = page.sidebar.rename.field
    field.clear()
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert page.sidebar.rename.problem.text() == "A conversation needs a title."
    QTest.keyClicks(field, "Birds")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Birds" in listed(page))
    services.history.undo()
    qtbot.waitUntil(lambda: "One" in listed(page))


def test_an_adapter_that_is_deleted_while_it_is_chosen(
    page: ChatPage, qtbot: QtBot, services: Services
) -> None:
    page.choose_adapter("Notes")
    qtbot.waitUntil(lambda: page.answerer.chosen.adapter == "Notes")
    services.deletions.delete("adapter", ["Notes"], "Notes")
    qtbot.waitUntil(lambda: page.answerer.chosen.adapter is None)
    assert page.notice.text() == (
        "No adapter is called “Notes” any more, so the base model answers."
        " What was deleted is in the bin."
    )
    services.history.undo()
    qtbot.waitUntil(lambda: page.answerer.chosen.adapter == "Notes")
    assert not page.notice.isVisible()
