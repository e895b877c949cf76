"""Conversations on the chat page: left and found again, drafts in them, long ones."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSlider
from pytestqt.qtbot import QtBot

from app.chat.exchange_view import ExchangeView
from app.chat.exchanges import Exchange, ShownAnswer
from app.chat.page import ChatPage
from app.services import Services
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import connect
from tests.app.chat.chatting import ask, leave, settle, stored
from tests.app.filled import add_adapter
from tests.app.recorded import ChatMaker


@pytest.fixture
def page(make_chat: ChatMaker, library: Library) -> ChatPage:
    """The page, with one adapter to chat with."""
    add_adapter(library, "Notes")
    return make_chat()


def test_conversations_are_there_again(
    page: ChatPage, make_chat: ChatMaker, qtbot: QtBot, services: Services
) -> None:
    ask(page, "First")
    settle(page, qtbot)
    page.new_conversation()
    ask(page, "Another")
    settle(page, qtbot)
    leave(page, services, qtbot)
    again = make_chat()
    qtbot.waitUntil(lambda: len(again.session.exchanges) == 1)
    assert again.session.exchanges[0].question == "Another"
    assert again.session.exchanges[0].answers[0].text == "Notes heard 1 turns: Another"
    qtbot.waitUntil(lambda: again.sidebar.list.rowCount() == 2)
    again.sidebar.view.setCurrentIndex(again.sidebar.list.index(1))
    qtbot.waitUntil(lambda: again.session.exchanges[0].question == "First")


def test_an_answer_goes_on_while_another_conversation_is_open(
    page: ChatPage, qtbot: QtBot, library: Library
) -> None:
    ask(page, "hang first")
    qtbot.waitUntil(lambda: page.session.conversation is not None)
    qtbot.waitUntil(lambda: bool(page.session.exchanges[0].answer_of("Notes")))
    first = page.session.conversation
    page.new_conversation()
    assert not page.session.is_busy
    page.session.open(first)
    qtbot.waitUntil(lambda: page.session.is_busy)
    assert page.transcript.views[0].answers["Notes"].answer.text == "Notes heard "
    page.stop.click()
    qtbot.waitUntil(lambda: len(stored(library)) == 2)


def test_drafts_survive_other_conversations_and_other_windows(
    page: ChatPage, make_chat: ChatMaker, qtbot: QtBot, services: Services
) -> None:
    ask(page, "First")
    settle(page, qtbot)
    qtbot.waitUntil(lambda: page.sidebar.list.rowCount() == 1)
    page.input.set_text("half a question")
    page.new_conversation()
    assert page.input.text() == ""
    page.input.set_text("another half")
    page.sidebar.view.setCurrentIndex(page.sidebar.list.index(0))
    qtbot.waitUntil(lambda: page.input.text() == "half a question")
    leave(page, services, qtbot)
    again = make_chat()
    qtbot.waitUntil(lambda: again.input.text() == "half a question")
    again.new_conversation()
    assert again.input.text() == "another half"


def test_window_that_closes_keeps_what_was_said(
    page: ChatPage, qtbot: QtBot, services: Services, library: Library
) -> None:
    ask(page, "hang")
    qtbot.waitUntil(lambda: bool(page.session.exchanges[0].answer_of("Notes")))
    page.flush()
    services.close()
    assert [turn.text for turn in stored(library)] == ["hang", "Notes heard "]


def test_unanswered_question_is_offered_again(
    page: ChatPage, make_chat: ChatMaker, qtbot: QtBot, library: Library
) -> None:
    connection = connect(library.database)
    conversation = Conversations(connection).start("Lost")
    Conversations(connection).add(conversation, StoredTurn("user", "Lost", None))
    connection.close()
    page.session.open(conversation)
    qtbot.waitUntil(lambda: bool(page.transcript.views))
    view = page.transcript.views[0]
    assert view.unanswered.isVisible()
    view.unanswered.retry.click()
    settle(page, qtbot)
    assert view.answers["Notes"].answer.text == "Notes heard 1 turns: Lost"


def test_long_conversations_are_laid_out_in_parts(
    page: ChatPage, qtbot: QtBot, library: Library
) -> None:
    connection = connect(library.database)
    conversations = Conversations(connection)
    conversation = conversations.start("Long")
    for number in range(45):
        conversations.add(conversation, StoredTurn("user", f"Question {number}", None))
        conversations.add(conversation, StoredTurn("assistant", f"Answer {number}", "Notes"))
    connection.close()
    page.session.open(conversation)
    qtbot.waitUntil(lambda: len(page.transcript.views) == 30)
    bar = page.transcript.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    qtbot.wait(50)  # all have taken their places
    bar.triggerAction(QAbstractSlider.SliderAction.SliderToMinimum)
    first = page.transcript.views[0]
    before = first.mapTo(page.transcript, QPoint()).y()
    QTest.mouseClick(page.transcript.earlier, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(page.transcript.views) == 45)
    assert not page.transcript.earlier.isVisible()
    questions = [view.question.bubble.text.toPlainText() for view in page.transcript.views]
    assert questions == [f"Question {number}" for number in range(45)]
    # What is above came without moving what was being read.
    qtbot.wait(100)
    assert first.mapTo(page.transcript, QPoint()).y() == before


def test_another_conversation_can_be_opened_while_one_is_laid_out(
    page: ChatPage, qtbot: QtBot
) -> None:
    long = [Exchange(f"Long {n}?", (ShownAnswer("Notes", "word " * 50),)) for n in range(200)]
    page.transcript.show_exchanges(long)
    page.transcript.show_exchanges([Exchange("Short?")])
    page.transcript.add_exchange(Exchange("More?"))
    qtbot.wait(50)
    shown = [view.question.bubble.text.toPlainText() for view in page.transcript.views]
    assert shown == ["Short?", "More?"]
    assert len(page.transcript.findChildren(ExchangeView)) == 2  # the others are gone
