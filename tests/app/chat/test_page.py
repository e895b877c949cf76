"""Asking on the chat page, and what comes of it."""

from __future__ import annotations

import os
import signal

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.chat.exchanges import Phase
from app.chat.page import ChatPage
from app.jobs.chat_worker import ChatWorker, WorkerState
from app.services import Services
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from tests.app.chat.chatting import ask, settle, stored
from tests.app.filled import add_adapter
from tests.app.recorded import ChatMaker, RunMaker


@pytest.fixture
def page(make_chat: ChatMaker, library: Library) -> ChatPage:
    """The page, with one adapter to chat with."""
    add_adapter(library, "Notes")
    return make_chat()


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
    assert page.transcript.views[-1].answers[None].name.text() == "Base model: Starter"


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


def test_what_could_not_be_loaded_is_not_told_as_a_crash(
    page: ChatPage, qtbot: QtBot, services: Services
) -> None:
    ask(page, "First")
    settle(page, qtbot)
    damaged = OvernightError(
        ErrorKind.ADAPTER_DAMAGED, "The adapter is damaged.", "Choose another."
    )
    services.worker.failed.emit("warm-up-1", damaged)
    services.worker.state_changed.emit(WorkerState.READY)
    assert page.notice.text() == "The adapter is damaged. Choose another."


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


def test_without_adapters_training_comes_first(make_chat: ChatMaker, qtbot: QtBot) -> None:
    page = make_chat()
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
    assert page.notice.text().startswith("Resting while training,")
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
    assert footnote == "Cut off at the longest answer, which you can change in Details"


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


def test_adapter_that_is_wanted_answers(
    page: ChatPage, qtbot: QtBot, library: Library, make_run: RunMaker
) -> None:
    add_adapter(library, "Newest")
    page.choose_adapter("Newest")
    qtbot.waitUntil(lambda: page.answerer.chosen.adapter == "Newest")
    ask(page, "Hello")
    settle(page, qtbot)
    assert page.session.exchanges[0].answers[0].adapter == "Newest"


def test_a_long_question_shows_its_beginning_and_its_end(page: ChatPage, qtbot: QtBot) -> None:
    question = "\n".join(f"Line {n}: the crew met." for n in range(400)) + "\nWho was there?"
    page.input.set_text(question)
    page.send.click()
    qtbot.waitUntil(lambda: not page.session.is_busy)
    (view,) = page.transcript.views
    shown = view.question.bubble.text.toPlainText()
    assert shown.startswith("Line 0: the crew met.")
    assert shown.endswith("Who was there?")
    assert f"{len(question) - 2_000:,} characters sent and not shown" in shown
    assert page.session.exchanges[0].question == question
