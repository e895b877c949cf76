"""Conversations: searched, pinned, exported; settings of their own; what is thought of answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.chat.attaching import bounded
from app.chat.page import ChatPage
from app.services import Services
from app.settings.judged_answers import JudgedAnswers
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, ConversationSettings, StoredTurn
from mlx_backend.library.database import opened
from mlx_backend.library.judgements import Judgement, Judgements
from mlx_backend.library.turns import Attachment
from tests.app.chat.chatting import ask, leave, settle, stored
from tests.app.filled import add_adapter
from tests.app.recorded import ChatMaker


@pytest.fixture
def page(make_chat: ChatMaker, library: Library) -> ChatPage:
    add_adapter(library, "Notes")
    with opened(library.database) as db:
        for title, answer in (("Tea", "Four puffins."), ("Rope", "Ten metres."), ("Fog", "Soup.")):
            talks = Conversations(db)
            number, question = talks.begin_as(
                StoredTurn("user", title, None, parent=0), ConversationSettings()
            )
            talks.add(number, StoredTurn("assistant", answer, "Notes", parent=question))
    return make_chat()


def listed(page: ChatPage) -> list[str]:
    talks = page.sidebar.list
    return [talks.conversation(row).title for row in range(talks.rowCount())]


def test_conversations_are_found_by_title_and_words(page: ChatPage, qtbot: QtBot) -> None:
    for words, found in (("puffin", ["Tea"]), ("ROP", ["Rope"]), ("", ["Fog", "Rope", "Tea"])):
        page.sidebar.search.setText(words)
        qtbot.waitUntil(lambda found=found: listed(page) == found)  # type: ignore[misc]
    page.sidebar.search.setText("nothing like it")
    qtbot.waitUntil(page.sidebar.nothing.isVisible)


def test_a_pinned_conversation_stays_at_the_top(
    page: ChatPage, services: Services, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: listed(page) == ["Fog", "Rope", "Tea"])
    page.sidebar.pin_wanted.emit(page.sidebar.list.conversation(2), True)
    qtbot.waitUntil(lambda: listed(page) == ["Tea", "Fog", "Rope"])
    services.history.undo()
    qtbot.waitUntil(lambda: listed(page) == ["Fog", "Rope", "Tea"])


def test_a_conversation_leaves_as_markdown(page: ChatPage, qtbot: QtBot, tmp_path: Path) -> None:
    qtbot.waitUntil(lambda: len(listed(page)) == 3)
    tea = page.sidebar.list.conversation(2)
    page.conversations.files.write(tea, tmp_path / "out" / "tea.md")
    qtbot.waitUntil((tmp_path / "out" / "tea.md").exists)
    text = (tmp_path / "out" / "tea.md").read_text()
    assert text.startswith("# Tea\n")
    assert "## You\n\nTea\n\n## Notes\n\nFour puffins.\n" in text
    assert page.conversations.files.data(tea) is None
    page.sidebar.pressed.emit(tea)
    qtbot.waitUntil(lambda: page.conversations.files.data(tea) is not None)
    data = page.conversations.files.data(tea)
    assert data is not None
    assert Path(data.urls()[0].toLocalFile()).name == "Tea.md"


def test_keys_go_from_one_conversation_to_the_next(page: ChatPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: len(listed(page)) == 3)
    page.activateWindow()
    QTest.keyClick(page.input, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: [e.question for e in page.session.exchanges] == ["Fog"])
    QTest.keyClick(page.input, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: [e.question for e in page.session.exchanges] == ["Rope"])


def test_up_brings_back_earlier_questions(page: ChatPage, qtbot: QtBot) -> None:
    for question in ("One", "Two"):
        ask(page, question)
        settle(page, qtbot)
    for key, text in (
        (Qt.Key.Key_Up, "Two"),
        (Qt.Key.Key_Up, "One"),
        (Qt.Key.Key_Up, "One"),
        (Qt.Key.Key_Down, "Two"),
        (Qt.Key.Key_Down, ""),
    ):
        QTest.keyClick(page.input, key)
        assert page.input.text() == text
    QTest.keyClicks(page.input, "new")
    QTest.keyClick(page.input, Qt.Key.Key_Up)
    assert page.input.text() == "new"


def test_a_conversation_keeps_what_the_model_is_told_first(
    page: ChatPage, make_chat: ChatMaker, services: Services, qtbot: QtBot
) -> None:
    page.new_conversation()
    page.details.system.setPlainText("Be brief.")
    page.details.seed.setValue(7)
    ask(page, "Hello")
    settle(page, qtbot)
    answer = page.session.exchanges[0].answers[0]
    assert "told “Be brief.”" in answer.text
    assert answer.seed == 7
    leave(page, services, qtbot)
    again = make_chat()
    qtbot.waitUntil(lambda: len(again.session.exchanges) == 1)
    assert again.details.system.toPlainText() == "Be brief."
    again.details.reset.click()
    assert again.session.settings.system == ""
    again.new_conversation()
    assert again.details.system.toPlainText() == ""


def test_an_answer_is_judged_and_that_is_undone(
    page: ChatPage, services: Services, library: Library, qtbot: QtBot
) -> None:
    page.new_conversation()
    ask(page, "Hello")
    settle(page, qtbot)
    view = page.transcript.views[-1].answers["Notes"]
    qtbot.waitUntil(view.thumbs.isVisible)
    view.thumbs.down.click()
    qtbot.waitUntil(lambda: view.answer.judgement == Judgement(-1))
    view.thumbs.reword.click()
    assert view.better.editor is not None
    view.better.editor.field.setPlainText("Hello to you.")
    view.better.editor.keep.click()
    qtbot.waitUntil(lambda: view.answer.judgement == Judgement(-1, "Hello to you."))
    with opened(library.database) as db:
        (judged,) = Judgements(db).all()
    assert (judged.question, judged.adapter) == ("Hello", "Notes")
    assert judged.seed is not None
    services.history.undo()
    services.history.undo()
    qtbot.waitUntil(lambda: view.answer.judgement.is_empty)
    assert not view.thumbs.down.isChecked()


def test_judged_answers_are_listed_and_removed(
    page: ChatPage, services: Services, library: Library, qtbot: QtBot
) -> None:
    answer = next(turn for turn in stored(library) if turn.text == "Soup.")
    with opened(library.database) as db:
        Judgements(db).judge(answer.id, Judgement(1, "Fog soup."))
    listed_there = JudgedAnswers(services.background, services.history)
    qtbot.addWidget(listed_there)
    listed_there.show()
    qtbot.waitUntil(lambda: len(listed_there.rows) == 1)
    listed_there.rows[0].remove.click()
    qtbot.waitUntil(lambda: listed_there.rows == [])
    services.history.undo()
    qtbot.waitUntil(lambda: len(listed_there.rows) == 1)


def test_what_is_attached_is_told_the_model(
    page: ChatPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "tides.txt").write_text("High water at noon.")
    page.new_conversation()
    page.attaching.add_files([tmp_path / "tides.txt"])
    qtbot.waitUntil(lambda: bool(page.attaching.attached), timeout=60_000)
    ask(page, "repeat: when?")
    settle(page, qtbot)
    assert page.attaching.attached == ()
    question = next(turn for turn in stored(library) if turn.attachments)
    assert question.attachments[0].text == "High water at noon."
    assert "High water at noon." in page.session.exchanges[0].told


def test_what_is_attached_takes_half_of_what_the_model_reads() -> None:
    long = Attachment(name="long", text="line\n" * 4000, characters=20_000)
    short = Attachment(name="short", text="all of it", characters=9)
    cut, whole = bounded((long, short), context=2048)
    assert whole == short
    assert cut.is_cut
    assert len(cut.text) + len(whole.text) <= 4096
    assert cut.text.endswith("line")
