from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSlider
from pytestqt.qtbot import QtBot

from app.chat_worker import ChatWorker, WorkerState
from app.exchanges import Answer, Exchange, Phase
from app.pages.chat import ChatPage
from app.pages.chat_exchange import ExchangeView
from app.services import Services
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import connect
from tests.app.filled import add_adapter
from tests.app.recorded import RunMaker

PageMaker = Callable[[], ChatPage]


@pytest.fixture
def make_page(stand_ins: None, services: Services, qtbot: QtBot) -> PageMaker:
    def make() -> ChatPage:
        page = ChatPage(services)
        qtbot.addWidget(page)
        page.resize(1000, 700)
        page.show()
        qtbot.waitUntil(lambda: page.answerer.menu.count() > 0)
        return page

    return make


@pytest.fixture
def page(make_page: PageMaker, library: Library) -> ChatPage:
    """The page, with one adapter to chat with."""
    add_adapter(library, "Notes")
    return make_page()


def ask(page: ChatPage, text: str) -> None:
    page.input.set_text(text)
    QTest.keyClick(page.input, Qt.Key.Key_Return)


def settle(page: ChatPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: bool(page.session.exchanges) and not page.session.is_busy)


def leave(page: ChatPage, services: Services, qtbot: QtBot) -> None:
    """What closing the window does, with the writing waited for."""
    page.flush()
    done: list[None] = []
    services.background.call(lambda _: None, done.append)
    qtbot.waitUntil(lambda: bool(done))


def stored(library: Library) -> list[StoredTurn]:
    connection = connect(library.database)
    conversations = Conversations(connection)
    turns = [turn for one in conversations.all() for turn in conversations.turns(one.id)]
    connection.close()
    return turns


def test_answer_streams_and_is_stored(page: ChatPage, qtbot: QtBot, library: Library) -> None:
    ask(page, "Where does the boat sail?")
    assert page.input.text() == ""
    assert page.stop.isVisible()
    settle(page, qtbot)
    view = page.transcript.views[-1].answers["Notes"]
    assert view.body.toPlainText() == "Notes heard 1 turns: Where does the boat sail?"
    assert not view.speed.isVisible()
    qtbot.waitUntil(lambda: len(stored(library)) == 2)
    assert [turn.adapter for turn in stored(library)] == [None, "Notes"]
    assert page.sidebar.list.conversation(0).title == "Where does the boat sail?"


def test_question_is_stored_before_it_is_sent(
    page: ChatPage, qtbot: QtBot, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(ChatWorker, "ask", lambda *_: sent.append(len(stored(library))))
    ask(page, "Hello")
    qtbot.waitUntil(lambda: bool(sent))
    assert sent == [1]


def test_shift_return_breaks_the_line(page: ChatPage) -> None:
    page.input.set_text("one")
    QTest.keyClick(page.input, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(page.input, "two")
    assert page.input.text() == "one\ntwo"
    assert page.session.exchanges == ()


def test_nothing_to_send_sends_nothing(page: ChatPage) -> None:
    ask(page, "  \n ")
    assert not page.send.isEnabled()
    assert page.session.exchanges == ()


def test_comparison_asks_the_base_model_too(page: ChatPage, qtbot: QtBot) -> None:
    page.answerer.compare.click()
    ask(page, "First")
    settle(page, qtbot)
    ask(page, "Second")
    settle(page, qtbot)
    answers = {who: view.answer.text for who, view in page.transcript.views[-1].answers.items()}
    assert answers == {
        "Notes": "Notes heard 3 turns: Second",
        None: "base starter heard 3 turns: Second",
    }
    assert page.transcript.views[-1].answers[None].name.text() == "Base model"


def test_base_model_can_answer_alone(page: ChatPage, qtbot: QtBot) -> None:
    page.answerer.menu.setCurrentIndex(1)
    page.answerer.menu.activated.emit(1)
    assert not page.answerer.compare.isEnabled()
    ask(page, "Hello")
    settle(page, qtbot)
    assert page.session.exchanges[0].answers[0].text == "base starter heard 1 turns: Hello"


@pytest.mark.parametrize("how", ["button", "escape"])
def test_stopped_answer_stands_and_is_stored(
    page: ChatPage, qtbot: QtBot, library: Library, how: str
) -> None:
    ask(page, "hang")
    qtbot.waitUntil(lambda: bool(page.session.exchanges[0].answer_of("Notes")))
    if how == "button":
        page.stop.click()
    else:
        QTest.keyClick(page.input, Qt.Key.Key_Escape)
    assert not page.session.is_busy
    answer = page.session.exchanges[0].answers[0]
    assert answer.phase is Phase.STOPPED
    assert answer.text.startswith("Notes ")
    qtbot.waitUntil(lambda: len(stored(library)) == 2)
    ask(page, "Next")
    settle(page, qtbot)
    assert page.session.exchanges[1].answers[0].phase is Phase.DONE


def test_killed_worker_is_said_and_works_again(
    page: ChatPage, qtbot: QtBot, services: Services, library: Library
) -> None:
    ask(page, "First")
    settle(page, qtbot)
    ask(page, "hang")
    qtbot.waitUntil(lambda: bool(page.session.exchanges[1].answer_of("Notes")))
    os.kill(services.worker.process_id, signal.SIGKILL)
    settle(page, qtbot)
    view = page.transcript.views[-1].answers["Notes"]
    assert "stopped unexpectedly; your conversation is safe" in view.problem.text()
    assert view.problem.isVisible()
    assert len(page.transcript.views) == 2
    qtbot.waitUntil(lambda: services.worker.state is WorkerState.READY)
    ask(page, "Third")
    settle(page, qtbot)
    assert page.session.exchanges[2].answers[0].phase is Phase.DONE
    assert [turn.text for turn in stored(library) if turn.role == "user"] == [
        "First",
        "hang",
        "Third",
    ]


def test_killed_while_idle_is_said_below(page: ChatPage, qtbot: QtBot, services: Services) -> None:
    ask(page, "First")
    settle(page, qtbot)
    os.kill(services.worker.process_id, signal.SIGKILL)
    qtbot.waitUntil(page.notice.isVisible)
    qtbot.waitUntil(lambda: "runs again" in page.notice.text())


def test_refused_question_can_be_asked_again(page: ChatPage, qtbot: QtBot) -> None:
    ask(page, "fail")
    settle(page, qtbot)
    view = page.transcript.views[0].answers["Notes"]
    assert view.problem.text() == "There is no such adapter. Choose another."
    assert view.retry.isVisible()
    view.retry.click()
    assert page.session.is_busy
    settle(page, qtbot)
    assert len(page.session.exchanges) == 1


def test_conversations_are_there_again(
    page: ChatPage, make_page: PageMaker, qtbot: QtBot, services: Services
) -> None:
    ask(page, "First")
    settle(page, qtbot)
    page.new_conversation()
    ask(page, "Another")
    settle(page, qtbot)
    leave(page, services, qtbot)
    again = make_page()
    qtbot.waitUntil(lambda: len(again.session.exchanges) == 1)
    assert again.session.exchanges[0].question == "Another"
    assert again.session.exchanges[0].answers[0].text == "Notes heard 1 turns: Another"
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
    page: ChatPage, make_page: PageMaker, qtbot: QtBot, services: Services
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
    again = make_page()
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
    page: ChatPage, make_page: PageMaker, qtbot: QtBot, library: Library
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


def test_without_adapters_training_comes_first(make_page: PageMaker, qtbot: QtBot) -> None:
    page = make_page()
    qtbot.waitUntil(page.welcome.button.isVisible)
    assert "Training comes first" in page.welcome.sentence.text()
    with qtbot.waitSignal(page.tonight_wanted):
        page.welcome.button.click()
    ask(page, "Hello")
    settle(page, qtbot)
    assert page.session.exchanges[0].answers[0].text.startswith("base starter")


def test_short_of_memory_the_chat_rests(
    page: ChatPage, qtbot: QtBot, services: Services, make_run: RunMaker, library: Library
) -> None:
    folder = make_run()
    lock = folder.lock()
    assert lock.acquire()
    qtbot.waitUntil(lambda: bool(services.watcher.active()))
    assert "answers take longer" in page.notice.text()
    services.keeper._available = lambda: 1
    ask(page, "Hello")
    assert page.notice.text().startswith("Resting while the training uses the memory")
    assert page.input.text() == "Hello"
    assert not page.send.isEnabled()
    lock.release()
    qtbot.waitUntil(page.send.isEnabled)
    page.send.click()
    settle(page, qtbot)


def test_answers_can_be_copied(page: ChatPage, qtbot: QtBot) -> None:
    ask(page, "repeat:**bold**")
    settle(page, qtbot)
    view = page.transcript.views[0].answers["Notes"]
    assert view.body.toPlainText() == "bold"
    view.copy.click()
    assert QGuiApplication.clipboard().text() == "**bold**"


@pytest.mark.parametrize(
    "text",
    [
        "<img src='file:///etc/passwd'><b>bold</b>",
        "a NUL \0 and \ud800 half",
        "\u202eright to left \u05e9\u05dc\u05d5\u05dd",
        "x" * 19_000,
    ],
)
def test_hostile_text_stays_text(page: ChatPage, qtbot: QtBot, library: Library, text: str) -> None:
    page.session.ask(f"repeat:{text}", page.answerer.answerers(False), page._manner())
    settle(page, qtbot)
    answer = page.session.exchanges[0].answers[0]
    assert answer.phase is Phase.DONE
    assert "\0" not in answer.text
    qtbot.waitUntil(lambda: len(stored(library)) == 2)
    shown = page.transcript.views[0].answers["Notes"].body
    assert "<img" not in text or "<img" in shown.toPlainText()


def test_answer_that_was_cut_off_says_so(page: ChatPage, qtbot: QtBot) -> None:
    ask(page, "too long")
    settle(page, qtbot)
    footnote = page.transcript.views[0].answers["Notes"].speed.text()
    assert footnote == "Cut off here; Settings has the longest answer"


def test_a_flood_of_words_does_not_pile_up(page: ChatPage, qtbot: QtBot) -> None:
    ask(page, "flood")
    qtbot.waitUntil(lambda: bool(page.session.exchanges[0].answers), timeout=10_000)
    settle(page, qtbot)
    assert page.session.exchanges[0].answers[0].text.count("word ") == 20_000


def test_dropped_files_are_left_to_the_window(page: ChatPage) -> None:
    files, text = QMimeData(), QMimeData()
    files.setUrls([QUrl.fromLocalFile("/notes")])
    text.setText("<b>words</b>")
    assert not page.input.canInsertFromMimeData(files)
    assert page.input.canInsertFromMimeData(text)
    page.input.insertFromMimeData(text)
    assert page.input.text() == "<b>words</b>"


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
    questions = [view.question.text.toPlainText() for view in page.transcript.views]
    assert questions == [f"Question {number}" for number in range(45)]
    # What is above came without moving what was being read.
    qtbot.wait(100)
    assert first.mapTo(page.transcript, QPoint()).y() == before


def test_another_conversation_can_be_opened_while_one_is_laid_out(
    page: ChatPage, qtbot: QtBot
) -> None:
    long = [Exchange(f"Long {n}?", (Answer("Notes", "word " * 50),)) for n in range(200)]
    page.transcript.show_exchanges(long)
    page.transcript.show_exchanges([Exchange("Short?")])
    page.transcript.add_exchange(Exchange("More?"))
    qtbot.wait(50)
    shown = [view.question.text.toPlainText() for view in page.transcript.views]
    assert shown == ["Short?", "More?"]
    assert len(page.transcript.findChildren(ExchangeView)) == 2  # the others are gone


def test_adapter_that_is_wanted_answers(
    page: ChatPage, qtbot: QtBot, library: Library, make_run: RunMaker
) -> None:
    add_adapter(library, "Newest")
    page.choose_adapter("Newest")
    qtbot.waitUntil(lambda: page.answerer.chosen.adapter == "Newest")
    ask(page, "Hello")
    settle(page, qtbot)
    assert page.session.exchanges[0].answers[0].adapter == "Newest"
