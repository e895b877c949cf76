"""What is typed, pasted or composed arrives whole, and only when the person sends it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from app.chat.exchanges import Phase
from app.chat.page import ChatPage
from app.chat.question_field import QuestionField
from app.services import Services
from app.widgets.text_fields import LineField, TextField
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import opened
from mlx_backend.protocol import LONGEST_QUESTION
from tests.app.filled import add_adapter, add_model
from tests.app.keyboard import commit, compose, paste
from tests.app.recorded import ChatMaker

Return = Qt.Key.Key_Return
LINES = "The harbour of Amber Cove, line by line.\n"


@pytest.fixture
def page(make_chat: ChatMaker, library: Library) -> ChatPage:
    add_adapter(library, "Notes")
    return make_chat()


@pytest.fixture
def field(qtbot: QtBot) -> QuestionField:
    field = QuestionField()
    qtbot.addWidget(field)
    qtbot.addWidget(field.pasted)
    field.resize(600, 200)
    field.show()
    return field


def questions(page: ChatPage) -> list[str]:
    return [exchange.question for exchange in page.session.exchanges]


def settle(page: ChatPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: bool(page.session.exchanges) and not page.session.is_busy)


# --- pasted ---


@pytest.mark.parametrize(
    "text",
    [
        "x" * 19_999,
        "x" * 20_001,
        LINES * 25_000,
        "words and no line " * 60_000,
        "長" * 1_000_000,
        "a\nb\n" * 500_000,
    ],
    ids=lambda text: f"{text[:3]!r}{len(text)}",
)
def test_a_paste_of_any_length_is_whole(field: QuestionField, text: str) -> None:
    QTest.keyClicks(field, "Before: ")
    paste(field, text)
    assert text in field.text()
    assert "Before: " in field.text()
    again = QuestionField()
    again.set_draft(field.draft())
    assert again.text() == field.text()


def test_a_long_paste_is_shown_beside_the_field_and_can_be_taken_out(field: QuestionField) -> None:
    paste(field, LINES * 1000)
    QTest.keyClicks(field, "What is this about?")
    (row,) = field.pasted.rows
    assert field.pasted.isVisible()
    assert field.toPlainText() == "What is this about?"
    assert row.length.text() == "Pasted, 41,000 characters"
    assert row.words.text().startswith("“The harbour of Amber Cove")
    QTest.mouseClick(row.remove, Qt.MouseButton.LeftButton)
    assert field.text() == "What is this about?"
    QTest.mouseClick(row.remove, Qt.MouseButton.LeftButton)
    assert field.text() == LINES * 1000 + "\n\nWhat is this about?"


def test_what_is_dropped_is_whole_too(field: QuestionField) -> None:
    data = QMimeData()
    data.setText(LINES * 1000)
    keys = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    copy = Qt.DropAction.CopyAction
    place = QPoint(10, 10)
    QApplication.sendEvent(field.viewport(), QDragEnterEvent(place, copy, data, *keys))
    QApplication.sendEvent(field.viewport(), QDropEvent(QPointF(place), copy, data, *keys))
    assert field.text() == LINES * 1000


def test_a_long_question_is_sent_whole_and_its_draft_outlives_the_window(
    page: ChatPage, make_chat: ChatMaker, services: Services, qtbot: QtBot
) -> None:
    paste(page.input, LINES * 20_000)
    QTest.keyClicks(page.input, "What is this about?")
    page.flush()
    done: list[None] = []
    services.background.call(lambda _: None, done.append)
    qtbot.waitUntil(lambda: bool(done))
    page.hide()
    later = make_chat()
    qtbot.waitUntil(lambda: later.input.has_text)
    assert later.input.toPlainText() == "What is this about?"
    QTest.keyClick(later.input, Return)
    settle(later, qtbot)
    whole = LINES * 20_000 + "\n\nWhat is this about?"
    assert later.session.exchanges[-1].question == whole
    assert later.session.exchanges[-1].answers[0].text.endswith(whole)
    assert not later.input.has_text
    assert not later.input.pasted.isVisible()


def test_what_is_too_long_to_send_stays_and_that_is_said(page: ChatPage) -> None:
    page.input.set_text("x" * (LONGEST_QUESTION + 1))
    assert "5,000,001 characters" in page.notice.text()
    QTest.keyClick(page.input, Return)
    assert questions(page) == []
    assert len(page.input.text()) == LONGEST_QUESTION + 1


def test_how_much_of_a_long_question_is_read_is_said_before_it_is_sent(
    make_chat: ChatMaker, library: Library
) -> None:
    add_adapter(library, "Notes")
    add_model(library, "starter", 360_000_000)
    config = library.models / "starter" / "config.json"
    config.write_text('{"max_position_embeddings": 8192}')
    page = make_chat()
    page.answerer.show_has_notes(True)
    page.input.set_text("What does this say? " * 30)
    assert page.answerer.is_quoting
    assert "The last 48 words" in page.notice.text()
    page.answerer.grounded.click()
    assert "words at once" not in page.notice.text()
    paste(page.input, LINES * 5000)
    assert "reads about 6,100 words at once" in page.notice.text()


def test_a_question_that_the_model_finds_too_long_comes_back(page: ChatPage, qtbot: QtBot) -> None:
    page.input.set_text("overlong question")
    QTest.keyClick(page.input, Return)
    settle(page, qtbot)
    (answer,) = page.session.exchanges[-1].answers
    assert answer.phase is Phase.FAILED
    assert page.input.text() == "overlong question"
    assert "too long" in page.transcript.views[-1].answers["Notes"].problem.text()


def test_what_the_model_no_longer_sees_is_said(page: ChatPage, qtbot: QtBot) -> None:
    page.input.set_text("forgets 1")
    QTest.keyClick(page.input, Return)
    settle(page, qtbot)
    page.input.set_text("forgets 1")
    QTest.keyClick(page.input, Return)
    settle(page, qtbot)
    view = page.transcript.views[-1].answers["Notes"]
    assert view.left_out.text() == "The model no longer sees the first question."
    assert view.left_out.isVisible()
    done: list[None] = []
    page.session._background.call(lambda _: None, done.append)
    qtbot.waitUntil(lambda: bool(done))
    with qtbot.waitSignal(page.session.opened):
        page.session.open(page.session.conversation)
    view = page.transcript.views[-1].answers["Notes"]
    assert view.left_out.text() == "The model no longer sees the first question."
    qtbot.waitUntil(view.left_out.isVisible)


def test_a_line_takes_a_paste_whole_or_not_at_all_and_says_so(qtbot: QtBot) -> None:
    field = LineField()
    qtbot.addWidget(field)
    field.show()
    field.activateWindow()
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClicks(field, "harbour")
    paste(field, "x" * 40_000)
    qtbot.waitUntil(lambda: "too long" in QToolTip.text())
    assert field.text() == "harbour"
    field.setText("y" * 32_767)
    QTest.keyClick(field, Qt.Key.Key_Z)
    qtbot.wait(1)
    assert field.text() == "y" * 32_767
    field.selectAll()
    paste(field, "x" * 40_000)
    qtbot.waitUntil(lambda: field.text() == "y" * 32_767)


# --- composed ---


def test_return_while_a_word_is_composed_sends_nothing(page: ChatPage, qtbot: QtBot) -> None:
    commit(page.input, "灯台は")
    compose(page.input, "どこ")
    QTest.keyClick(page.input, Return)
    QTest.mouseClick(page.send, Qt.MouseButton.LeftButton)
    assert questions(page) == []
    assert page.remembered.draft(None) == "灯台は"
    commit(page.input, "何処？")
    assert questions(page) == []
    QTest.keyClick(page.input, Return)
    settle(page, qtbot)
    assert questions(page) == ["灯台は何処？"]


def test_escape_while_a_word_is_composed_stops_no_answer(page: ChatPage, qtbot: QtBot) -> None:
    page.input.set_text("hang on")
    QTest.keyClick(page.input, Return)
    qtbot.waitUntil(lambda: bool(page.session.exchanges and page.session.exchanges[-1].answers))
    compose(page.input, "どこ")
    QTest.keyClick(page.input, Qt.Key.Key_Escape)
    assert page.session.is_busy
    compose(page.input, "")
    QTest.keyClick(page.input, Qt.Key.Key_Escape)
    assert not page.session.is_busy


def test_return_while_a_word_is_composed_does_nothing_in_a_line(qtbot: QtBot) -> None:
    field = LineField()
    qtbot.addWidget(field)
    field.show()
    done: list[str] = []
    field.returnPressed.connect(lambda: done.append(field.text()))
    field.editingFinished.connect(lambda: done.append(field.text()))
    compose(field, "どこ")
    QTest.keyClick(field, Return)
    assert done == []
    commit(field, "何処")
    QTest.keyClick(field, Return)
    assert done == ["何処", "何処"]


def test_a_word_is_composed_to_its_end_where_something_is_renamed(
    page: ChatPage, library: Library, qtbot: QtBot
) -> None:
    with opened(library.database) as db:
        talk = Conversations(db).start("Lighthouse")
        Conversations(db).add(talk, StoredTurn("user", "Lighthouse", None))
    page.refresh()
    view, rename = page.sidebar.view, page.sidebar.rename
    qtbot.waitUntil(lambda: page.sidebar.list.rowCount() == 1)
    view.setCurrentIndex(page.sidebar.list.index(0))
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_F2)
    rename.field.clear()
    compose(rename.field, "とうだい")
    for key in (Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
        QTest.keyClick(rename.field, key)
        assert rename.is_open
    commit(rename.field, "灯台")
    QTest.keyClick(rename.field, Return)
    assert not rename.is_open
    qtbot.waitUntil(lambda: page.sidebar.list.index(0).data() == "灯台")


def test_return_while_a_word_is_composed_breaks_no_line_of_a_sample(qtbot: QtBot) -> None:
    field = TextField()
    qtbot.addWidget(field)
    field.show()
    compose(field, "どこ")
    QTest.keyClick(field, Return)
    commit(field, "何処")
    assert field.toPlainText() == "何処"
    QTest.keyClick(field, Return)
    assert field.toPlainText() == "何処\n"


# --- samples ---


def test_a_sample_takes_a_paste_whole_or_not_at_all_and_says_so(qtbot: QtBot) -> None:
    field = TextField()
    qtbot.addWidget(field)
    field.show()
    field.activateWindow()
    qtbot.waitUntil(field.hasFocus)
    paste(field, "x" * 49_000)
    assert len(field.toPlainText()) == 49_000
    paste(field, "y" * 1_000_000)
    qtbot.waitUntil(lambda: "too long" in QToolTip.text())
    assert field.toPlainText() == "x" * 49_000
