"""Asking again, changing a question, going on, and walking the versions."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.chat.exchanges import Phase
from app.chat.page import ChatPage
from app.services import Services
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, ConversationSettings, StoredTurn
from mlx_backend.library.database import opened
from tests.app.chat.chatting import ask, leave, settle, stored
from tests.app.filled import add_adapter
from tests.app.recorded import ChatMaker


@pytest.fixture
def page(make_chat: ChatMaker, library: Library) -> ChatPage:
    add_adapter(library, "Notes")
    return make_chat()


def questions(page: ChatPage) -> list[str]:
    assert [v.question.bubble.text.toPlainText() for v in page.transcript.views] == [
        exchange.question for exchange in page.session.exchanges
    ]
    return [exchange.question for exchange in page.session.exchanges]


def talk(page: ChatPage, qtbot: QtBot, *asked: str) -> None:
    for question in asked:
        ask(page, question)
        settle(page, qtbot)


def edit(page: ChatPage, place: int, text: str, qtbot: QtBot) -> None:
    view = page.transcript.views[place].question
    view.edit.click()
    assert view.editor is not None
    view.editor.field.setPlainText(text)
    QTest.keyClick(view.editor.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: questions(page)[-1] == text)
    settle(page, qtbot)


def test_a_changed_question_is_a_branch_and_both_can_be_walked(
    page: ChatPage, qtbot: QtBot, library: Library
) -> None:
    talk(page, qtbot, "One", "Two", "Three")
    edit(page, 1, "Second", qtbot)
    assert questions(page) == ["One", "Second"]
    assert page.window().focusWidget() is page.input
    answer = page.session.exchanges[1].answers[0]
    assert answer.text == "Notes heard 3 turns: Second"
    walker = page.transcript.views[1].question.versions
    assert walker is not None
    assert walker.place.text() == "2 of 2"
    walker.earlier.click()
    assert questions(page) == ["One", "Two", "Three"]
    talk(page, qtbot, "Four")
    assert questions(page) == ["One", "Two", "Three", "Four"]
    assert page.session.exchanges[-1].answers[0].text == "Notes heard 7 turns: Four"


def test_a_change_that_may_not_be_asked_now_stays_in_its_field(
    page: ChatPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk(page, qtbot, "One")
    monkeypatch.setattr(page.asking, "_may_ask", lambda: False)
    view = page.transcript.views[0].question
    view.edit.click()
    assert view.editor is not None
    view.editor.field.setPlainText("Another")
    QTest.keyClick(view.editor.field, Qt.Key.Key_Return)
    assert questions(page) == ["One"]
    assert view.editor.isVisible()
    assert view.editor.field.toPlainText() == "Another"
    assert "Another" in page.remembered.edits.values()


def test_the_branch_on_show_is_shown_again_by_the_next_window(
    page: ChatPage, make_chat: ChatMaker, services: Services, qtbot: QtBot
) -> None:
    talk(page, qtbot, "One", "Two")
    edit(page, 0, "First", qtbot)
    walker = page.transcript.views[0].question.versions
    assert walker is not None
    walker.earlier.click()
    leave(page, services, qtbot)
    again = make_chat()
    qtbot.waitUntil(lambda: len(again.session.exchanges) == 2)
    assert questions(again) == ["One", "Two"]
    assert again.session.exchanges[0].versions[0] == again.session.exchanges[0].id


def test_what_was_answered_stays_when_it_is_asked_again(page: ChatPage, qtbot: QtBot) -> None:
    talk(page, qtbot, "One")
    page.transcript.views[0].answers["Notes"].retry.click()
    qtbot.waitUntil(lambda: len(page.session.exchanges[0].versions) == 2)
    settle(page, qtbot)
    assert page.session.exchanges[0].answers[0].text == "Notes heard 1 turns: One"


def test_an_answer_that_was_cut_goes_on(page: ChatPage, qtbot: QtBot, library: Library) -> None:
    talk(page, qtbot, "too long")
    view = page.transcript.views[0].answers["Notes"]
    qtbot.waitUntil(view.go_on.isVisible)
    view.go_on.click()
    settle(page, qtbot)
    assert view.answer.text == "Notes heard 1 turns: too long and on"
    assert view.answer.phase is Phase.DONE
    assert not view.go_on.isVisible()
    qtbot.waitUntil(lambda: stored(library)[-1].text.endswith(" and on"))
    assert len(stored(library)) == 2


def test_a_stopped_answer_goes_on(page: ChatPage, qtbot: QtBot) -> None:
    ask(page, "hang")
    qtbot.waitUntil(lambda: bool(page.session.exchanges[0].answer_of("Notes")))
    page.stop.click()
    view = page.transcript.views[0].answers["Notes"]
    qtbot.waitUntil(view.go_on.isVisible)
    view.go_on.click()
    settle(page, qtbot)
    assert view.answer.text == "Notes heard  and on"


def test_an_answer_from_the_notes_does_not_go_on(page: ChatPage, qtbot: QtBot) -> None:
    talk(page, qtbot, "quote 2*3")
    assert not page.session.exchanges[0].answers[0].can_go_on


def test_a_change_that_is_not_sent_is_kept(
    page: ChatPage, make_chat: ChatMaker, services: Services, qtbot: QtBot
) -> None:
    talk(page, qtbot, "One", "Two")
    view = page.transcript.views[0].question
    view.edit.click()
    assert view.editor is not None
    QTest.keyClicks(view.editor.field, " and a half")
    leave(page, services, qtbot)
    again = make_chat()
    qtbot.waitUntil(lambda: len(again.transcript.views) == 2)
    other = again.transcript.views[0].question
    qtbot.waitUntil(lambda: other.editor is not None)
    assert other.editor is not None
    assert other.editor.field.toPlainText() == "One and a half"
    QTest.keyClick(other.editor.field, Qt.Key.Key_Escape)
    assert again.remembered.edits == {}
    assert other.bubble.isVisibleTo(other)


def test_nothing_branches_off_while_an_answer_is_given(page: ChatPage, qtbot: QtBot) -> None:
    talk(page, qtbot, "One")
    ask(page, "hang")
    qtbot.waitUntil(lambda: bool(page.session.exchanges[1].answer_of("Notes")))
    assert not page.transcript.views[0].question.edit.isEnabled()
    page.stop.click()
    assert page.transcript.views[0].question.edit.isEnabled()


def test_an_answer_is_stored_while_it_grows(page: ChatPage, qtbot: QtBot, library: Library) -> None:
    ask(page, "slowly")
    qtbot.waitUntil(lambda: any("word5" in turn.text for turn in stored(library)))
    assert page.session.is_busy
    assert stored(library)[-1].ended == "live"
    settle(page, qtbot)
    qtbot.waitUntil(lambda: stored(library)[-1].ended == "stop")
    assert len(stored(library)) == 2


def test_what_a_killed_window_left_can_go_on(
    library: Library, make_chat: ChatMaker, qtbot: QtBot
) -> None:
    with opened(library.database) as db:
        talks = Conversations(db)
        number, question = talks.begin_as(
            StoredTurn("user", "One", None, parent=0), ConversationSettings()
        )
        half = StoredTurn("assistant", "Notes heard", None, ended="live", parent=question)
        talks.add(number, half)
    page = make_chat()
    page.session.open(number)
    qtbot.waitUntil(lambda: len(page.session.exchanges) == 1)
    answer = page.session.exchanges[0].answers[0]
    assert answer.phase is Phase.BROKEN
    view = page.transcript.views[0].answers[None]
    view.go_on.click()
    settle(page, qtbot)
    assert page.session.exchanges[0].answers[0].text == "Notes heard and on"
