"""Answers from the notes, and where they are from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.notes.page import NotesPage
from app.services import Services
from app.shell.window import Window
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import opened
from mlx_backend.library.models import STARTER
from mlx_backend.library.notes import Notes
from mlx_backend.protocol import DECLINED, Citation
from tests.app.filled import add_adapter, add_model, add_notes
from tests.app.recorded import ChatMaker
from tests.mlx_backend.abilities import READS

PageMaker = Callable[[], ChatPage]
SOURCE = Citation(note=3, passage=7, title="Tea", path="/notes/tea.md", start=10, end=20)


@pytest.fixture
def make_page(make_chat: ChatMaker, library: Library) -> PageMaker:
    add_adapter(library, "Notes")
    add_notes(library)

    def make() -> ChatPage:
        page = make_chat()
        page.resize(800, 640)
        return page

    return make


def ask(page: ChatPage, text: str, qtbot: QtBot) -> str:
    """Ask, wait, and return what is answered."""
    page.input.set_text(text)
    QTest.keyClick(page.input, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(page.session.exchanges) and not page.session.is_busy)
    return page.session.exchanges[-1].answers[0].text


def test_answers_come_from_the_notes_until_it_is_switched_off(
    make_page: PageMaker, qtbot: QtBot, services: Services
) -> None:
    page = make_page()
    assert page.answerer.grounded.isChecked()
    assert "looks each question up in your notes" in page.welcome.sentence.text()
    assert "from the notes" in ask(page, "how", qtbot)
    page.answerer.grounded.click()
    page.new_conversation()
    assert page.welcome.sentence.text().startswith("“Notes” answers from what it learned")
    assert "closed book" in ask(page, "how", qtbot)
    page.flush()
    done: list[None] = []
    services.background.call(lambda _: None, done.append)
    qtbot.waitUntil(lambda: bool(done))
    assert not make_page().answerer.grounded.isChecked()


def test_quotes_are_not_compared_for_both_would_be_the_same(
    make_page: PageMaker, qtbot: QtBot
) -> None:
    page = make_page()
    assert "looks each question up in your notes and quotes them" in page.welcome.sentence.text()
    page.answerer.grounded.click()
    page.answerer.compare.click()
    assert page.answerer.compare.isEnabled()
    page.answerer.grounded.click()
    assert not page.answerer.compare.isEnabled()
    assert "would give the same answer" in page.answerer.compare.toolTip()
    ask(page, "how", qtbot)
    assert len(page.session.exchanges[-1].answers) == 1
    ask(page, "unknown", qtbot)
    (view,) = page.transcript.views[-1].answers.values()
    view.from_memory.click()  # which training does change
    qtbot.waitUntil(lambda: len(page.session.exchanges[-1].answers) == 2)
    qtbot.waitUntil(lambda: not page.session.is_busy)
    page.answerer.grounded.click()
    assert page.answerer.compare.isEnabled()
    assert page.answerer.compare.isChecked()
    assert "same answer" not in page.answerer.compare.toolTip()


def test_a_model_that_reads_words_its_answers_and_can_be_compared(
    make_page: PageMaker, qtbot: QtBot, library: Library
) -> None:
    add_model(library, STARTER, 1, READS)
    page = make_page()
    qtbot.waitUntil(page.answerer.compare.isEnabled)
    assert "“Notes” words the answer" in page.welcome.sentence.text()
    page.answerer.compare.click()
    ask(page, "how", qtbot)
    assert len(page.session.exchanges[-1].answers) == 2


def test_without_notes_there_is_nothing_to_look_up(
    stand_ins: None, services: Services, qtbot: QtBot
) -> None:
    page = ChatPage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: not page.answerer.grounded.isEnabled())
    assert "talk with the base model" in page.welcome.sentence.text()
    assert "closed book" in ask(page, "how", qtbot)


def test_the_base_model_looks_in_the_notes_too(make_page: PageMaker, qtbot: QtBot) -> None:
    page = make_page()
    page.answerer.choose(None)
    assert "base starter from the notes" in ask(page, "how", qtbot)


def test_an_answer_says_which_note_it_is_from(make_page: PageMaker, qtbot: QtBot) -> None:
    page = make_page()
    ask(page, "cite 3 10 20", qtbot)
    view = page.transcript.views[0].answers["Notes"]
    (chip,) = view.sources.chips  # two passages of one note
    assert chip.text() == "From: Tea && rope"
    with qtbot.waitSignal(page.source_wanted) as wanted:
        chip.click()
    assert (wanted.args[0].note, wanted.args[0].start, wanted.args[0].end) == (3, 10, 20)


def test_what_the_notes_do_not_say_is_from_nowhere(make_page: PageMaker, qtbot: QtBot) -> None:
    page = make_page()
    ask(page, "Who was that?", qtbot)
    assert page.transcript.views[0].answers["Notes"].sources.isHidden()


def test_sources_are_there_again(make_page: PageMaker, qtbot: QtBot, library: Library) -> None:
    with opened(library.database) as db:
        talk = Conversations(db).start("Tea?")
        Conversations(db).add(talk, StoredTurn("user", "Tea?", None))
        Conversations(db).add(talk, StoredTurn("assistant", "At four.", "Notes", (SOURCE,)))
    page = make_page()
    page.session.open(talk)
    qtbot.waitUntil(lambda: bool(page.transcript.views))
    assert page.transcript.views[0].answers["Notes"].answer.sources == (SOURCE,)
    assert page.transcript.views[0].answers["Notes"].sources.isVisible()


QUOTE = "2*3*4 = 24\n  __init__.py is <b>empty</b>\n# no heading"


def test_a_quote_is_shown_word_for_word_and_as_the_notes_words(
    make_page: PageMaker, qtbot: QtBot, library: Library
) -> None:
    page = make_page()
    assert ask(page, f"quote {QUOTE}", qtbot) == f"Sums & signs: {QUOTE}"

    def check(page: ChatPage) -> None:
        (view,) = page.transcript.views[-1].answers.values()
        assert view.body.toPlainText() == QUOTE
        assert view.name.text() == "From your notes"
        assert [chip.text() for chip in view.sources.chips] == ["Sums && signs"]
        QTest.mouseClick(view.copy, Qt.MouseButton.LeftButton)
        assert QGuiApplication.clipboard().text() == QUOTE

    check(page)
    qtbot.waitUntil(lambda: len(all_turns(library)) == 2)
    with qtbot.waitSignal(page.session.opened):
        page.session.open(page.session.conversation)
    check(page)
    ask(page, "how *much*", qtbot)  # what a model words is Markdown, and is said to be its words
    (view,) = page.transcript.views[-1].answers.values()
    assert view.name.text() == "Notes"
    assert view.body.toPlainText().endswith("how much")


STEPS = """## Move a box

Close it first:

1. Open the *menu*.
2. Run:

```bash
lantern move __old__ new
```

| Size | Price |
|------|-------|
| big  | 14    |"""


def test_a_quote_with_steps_code_and_a_table_is_laid_out_and_copied_word_for_word(
    make_page: PageMaker, qtbot: QtBot
) -> None:
    page = make_page()
    ask(page, f"quote {STEPS}", qtbot)
    (view,) = page.transcript.views[-1].answers.values()
    shown = view.body.toPlainText()
    assert "Move a box" in shown
    assert "##" not in shown
    assert "Open the menu." in shown
    assert "lantern move __old__ new" in shown  # code is as it is
    assert "```" not in shown
    assert "|" not in shown
    QTest.mouseClick(view.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == STEPS


def test_nothing_found_is_no_word_of_a_model(make_page: PageMaker, qtbot: QtBot) -> None:
    page = make_page()
    page.answerer.menu.setCurrentIndex(1)
    page.answerer.menu.activated.emit(1)
    ask(page, "unknown", qtbot)
    assert page.transcript.views[-1].answers[None].name.text() == "From your notes"


@pytest.mark.parametrize(
    ("question", "name"), [("unknown", "From your notes"), ("unknown to the reader", "Notes")]
)
def test_who_says_that_the_notes_do_not_say_is_known_for_good(
    make_page: PageMaker, qtbot: QtBot, library: Library, question: str, name: str
) -> None:
    page = make_page()
    assert ask(page, question, qtbot) == DECLINED
    assert page.transcript.views[-1].answers["Notes"].name.text() == name
    qtbot.waitUntil(lambda: len(all_turns(library)) == 2)
    with qtbot.waitSignal(page.session.opened):
        page.session.open(page.session.conversation)
    assert page.transcript.views[-1].answers["Notes"].name.text() == name


def test_a_quote_is_never_shown_as_anything_else(make_page: PageMaker, qtbot: QtBot) -> None:
    page = make_page()
    shown: list[str] = []
    page.session.answer_changed.connect(lambda _, answer: shown.append(answer.shown))
    ask(page, f"quote {QUOTE}", qtbot)
    assert set(shown) == {"", QUOTE}


def all_turns(library: Library) -> list[StoredTurn]:
    with opened(library.database) as db:
        talks = Conversations(db)
        return [turn for talk in talks.all() for turn in talks.turns(talk.id)]


def test_damaged_sources_cost_only_themselves(library: Library) -> None:
    with opened(library.database) as db:
        talk = Conversations(db).start("Tea?")
        Conversations(db).add(talk, StoredTurn("assistant", "At four.", None, (SOURCE,)))
        db.execute("UPDATE turns SET citations = '[{'")
        assert Conversations(db).turns(talk) == [StoredTurn("assistant", "At four.", None)]


def test_a_source_opens_its_note_at_the_place(
    stand_ins: None, window: Window, qtbot: QtBot, library: Library
) -> None:
    filler = "Nothing here. \U0001f9f6\n" * 400
    add_notes(library, {"Tea": f"{filler}Tea is at four.\n{filler}", "Rope": "It is long."})
    with opened(library.database) as db:
        note = next(n.id for n in Notes(db).summaries() if n.title == "Tea")
    start, end = len(filler), len(filler) + len("Tea is at four.")
    notes = window.page("notes")
    assert isinstance(notes, NotesPage)
    notes.refresh()
    qtbot.waitUntil(lambda: notes.table.rowCount() == 2)
    notes.search.setText("rope")
    notes.show_samples()
    chat = window.page("chat")
    assert isinstance(chat, ChatPage)
    window.show_page("chat")
    source = Citation(note=note, passage=1, title="Tea", path="", start=start, end=end)
    chat.source_wanted.emit(source)
    text = notes.preview.text
    qtbot.waitUntil(lambda: notes.preview.title.text() == "Tea" and notes.isVisible())
    assert notes.search.text() == ""
    qtbot.waitUntil(lambda: notes.preview.told.text() == "The answer is from here.")
    (marked,) = [s for s in text.extraSelections() if s.cursor.selectedText()]
    assert marked.cursor.selectedText() == "Tea is at four."
    assert text.viewport().rect().contains(text.cursorRect(text.textCursor()).center())
    before = text.verticalScrollBar().value()
    assert before > 0

    text.verticalScrollBar().setValue(0)
    notes.refresh()  # looking again leaves the person where they are
    qtbot.wait(50)
    assert text.verticalScrollBar().value() == 0


def test_a_source_that_is_gone_is_said_to_be(
    window: Window, qtbot: QtBot, library: Library
) -> None:
    add_notes(library)
    notes = window.page("notes")
    assert isinstance(notes, NotesPage)
    notes.refresh()
    qtbot.waitUntil(lambda: notes.table.rowCount() == 3)
    notes.show_place(99, 0, 5)
    qtbot.waitUntil(lambda: "no longer in your library" in notes.preview.title.text())


def test_all_of_the_choice_fits_into_the_smallest_window(
    stand_ins: None, window: Window, qtbot: QtBot
) -> None:
    window.resize(880, 600)
    window.show_page("chat")
    chat = window.page("chat")
    assert isinstance(chat, ChatPage)
    assert window.width() == 880
    assert chat.rect().contains(chat.answerer.geometry())


def test_what_the_notes_do_not_say_can_be_asked_from_memory(
    make_page: PageMaker, qtbot: QtBot
) -> None:
    page = make_page()
    assert ask(page, "unknown", qtbot) == DECLINED
    (view,) = page.transcript.views[-1].answers.values()
    assert view.from_memory.isVisible()
    view.from_memory.click()
    qtbot.waitUntil(lambda: not page.session.is_busy)
    assert page.session.exchanges[-1].answers[0].text == "Notes heard 1 turns: unknown"
    assert page.answerer.grounded.isChecked()  # it was for this once
    assert "from the notes" in ask(page, "how", qtbot)
    (view,) = page.transcript.views[-1].answers.values()
    assert not view.from_memory.isVisible()
