"""A model that thinks aloud before it answers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.chat.answer_view import AnswerView
from app.chat.exchanges import Phase, ShownAnswer
from app.chat.page import ChatPage
from app.services import Services
from mlx_backend.library import Library
from tests.app.chat.chatting import ask, leave, settle, stored
from tests.app.filled import add_model, add_notes
from tests.app.recorded import ChatMaker
from tests.mlx_backend.abilities import READS

THOUGHTS = "Let me see: it is about boats."


@pytest.fixture
def page(make_chat: ChatMaker, library: Library, qtbot: QtBot) -> ChatPage:
    """The page, with a base model that can think."""
    add_model(library, "Thinker", 1_000_000, replace(READS, thinks=True))
    page = make_chat()
    qtbot.waitUntil(lambda: page.answerer.menu.count() == 2)
    return page


def choose(page: ChatPage, place: int) -> None:
    page.answerer.menu.setCurrentIndex(place)
    page.answerer.menu.activated.emit(place)


def view_of(page: ChatPage) -> AnswerView:
    return page.transcript.views[-1].answers[None]


def test_the_switch_is_there_for_models_that_can_think_and_off_at_first(page: ChatPage) -> None:
    assert not page.foot.thinks.isVisible(), "the starter cannot"
    choose(page, 1)
    assert page.foot.thinks.isVisible()
    assert not page.foot.thinks.isChecked()
    choose(page, 0)
    assert not page.foot.thinks.isVisible()


def test_there_is_nothing_to_think_about_where_notes_are_quoted(
    make_chat: ChatMaker, library: Library, qtbot: QtBot
) -> None:
    add_notes(library)
    reading = replace(READS.reading, right=0)
    add_model(library, "Quoter", 1_000_000, replace(READS, thinks=True, reading=reading))
    page = make_chat()
    qtbot.waitUntil(lambda: page.answerer.menu.count() == 2 and page.answerer.grounded.isEnabled())
    choose(page, 1)
    assert not page.foot.thinks.isVisible()
    page.answerer.grounded.click()
    assert page.foot.thinks.isVisible()


def test_without_it_nothing_is_thought(page: ChatPage, qtbot: QtBot) -> None:
    choose(page, 1)
    ask(page, "Where?")
    settle(page, qtbot)
    assert view_of(page).answer.thoughts == ""
    assert not view_of(page).thoughts.isVisible()


def test_thoughts_are_folded_away_while_it_thinks_and_after(page: ChatPage, qtbot: QtBot) -> None:
    choose(page, 1)
    page.foot.thinks.click()
    ask(page, "ponder")
    qtbot.waitUntil(lambda: bool(page.transcript.views[-1].answers))
    view = view_of(page)
    qtbot.waitUntil(view.thoughts.isVisible)
    assert view.status.text() == "Thinking…"
    assert view.status.isVisible()
    assert not view.thoughts.text.isVisible()
    view.thoughts.button.setFocus()
    QTest.keyClick(view.thoughts.button, Qt.Key.Key_Space)
    assert view.thoughts.text.isVisible()
    qtbot.waitUntil(lambda: view.thoughts.text.toPlainText() == THOUGHTS)
    page.stop.click()
    assert view.answer.phase is Phase.STOPPED


def test_thoughts_are_no_part_of_the_answer(
    page: ChatPage, qtbot: QtBot, library: Library, services: Services
) -> None:
    choose(page, 1)
    page.foot.thinks.click()
    ask(page, "Where?")
    settle(page, qtbot)
    view = view_of(page)
    assert view.answer.thoughts == THOUGHTS
    assert "boats" not in view.body.toPlainText()
    view.copy.click()
    assert QGuiApplication.clipboard().text() == view.answer.text
    assert "not stored" in view.thoughts.button.toolTip()
    leave(page, services, qtbot)
    qtbot.waitUntil(lambda: len(stored(library)) == 2)
    assert all("boats" not in turn.text for turn in stored(library))
    assert page.sidebar.list.conversation(0).title == "Where?"
    page.focus_search()
    view.thoughts.button.click()
    page.find_bar.field.setText("boats")
    page.find_bar.changed.emit("boats")
    assert "0" in page.find_bar.count.text() or page.find_bar.count.text() == "Not found"
    with qtbot.waitSignal(page.session.opened):
        page.session.open(page.session.conversation)
    assert page.session.exchanges[0].answers[0].thoughts == ""


def test_thoughts_are_not_sent_back_to_the_model(page: ChatPage, qtbot: QtBot) -> None:
    choose(page, 1)
    page.foot.thinks.click()
    for question in ("First", "repeat: again"):
        ask(page, question)
        settle(page, qtbot)
    assert not page.session.is_busy
    assert "boats" not in page.session.exchanges[1].answers[0].text


def test_the_switch_is_remembered(
    page: ChatPage, make_chat: ChatMaker, services: Services, qtbot: QtBot
) -> None:
    choose(page, 1)
    page.foot.thinks.click()
    leave(page, services, qtbot)
    again = make_chat()
    qtbot.waitUntil(lambda: again.answerer.chosen.model == "Thinker")
    assert again.foot.thinks.isVisible()
    assert again.foot.thinks.isChecked()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ShownAnswer(None, is_cut=True, thoughts=THOUGHTS), "no room left for an answer"),
        (ShownAnswer(None, thoughts=THOUGHTS), ""),
        (ShownAnswer(None, "A boat.", is_cut=True, thoughts=THOUGHTS), ""),
        (ShownAnswer(None, phase=Phase.STOPPED, is_cut=True, thoughts=THOUGHTS), ""),
    ],
)
def test_a_thought_that_used_up_all_tokens_says_what_to_do(
    page: ChatPage, answer: ShownAnswer, said: str
) -> None:
    page.transcript.hide()
    view = AnswerView(page.transcript._style)
    view.show_answer(answer)
    told = view.problem.text()
    assert said in told
    assert bool(told) == bool(said)
    if said:
        assert "Details" in told
        assert page.foot.thinks.text() in told
        assert not view.speed.text()
    view.deleteLater()


def test_hostile_thoughts_stay_plain_text(page: ChatPage) -> None:
    page.transcript.hide()
    view = AnswerView(page.transcript._style)
    view.thoughts.show_thoughts("<img src=x> <b>bold</b> \x00")
    view.thoughts.button.setChecked(True)
    assert "<b>bold</b>" in view.thoughts.text.toPlainText()
    view.deleteLater()
