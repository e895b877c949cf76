"""What a person, a file or a model named is shown letter for letter, wherever it stands."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QPoint, QRect, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QHelpEvent,
    QInputMethodEvent,
    QTextDocument,
)
from PySide6.QtGui import Qt as RichText
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLabel,
    QMenu,
    QStyleOptionViewItem,
    QTextEdit,
    QToolTip,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.chat.page import ChatPage
from app.notes.note_list import NoteList
from app.notes.page import NotesPage
from app.notes.samples.editor import SampleEditor
from app.shell.window import ENTRIES, Window
from app.text.directions import bare
from app.tonight.page import TonightPage
from app.tonight.report_examples import ExampleView
from app.widgets.error_dialog import ErrorDialog
from app.widgets.labels import label, on_button, paragraph, tip
from app.widgets.row_delegate import RowDelegate
from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.database import opened
from mlx_backend.library.models import CARD as MODEL_CARD
from mlx_backend.library.models import ModelCard
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.protocol import Citation
from mlx_backend.protocol.report import ExamItem
from tests.app.filled import add_adapter, add_model, add_notes, add_samples
from tests.app.recorded import RunMaker

NAME = "<b>x<b> & <img src=y> _under_ &amp;"
"""A name that Qt would make something else of, and that a file can have."""

RUNS_LEFT = "שלום <b>עולם<b>?"
APP = Path(__file__).parents[2] / "app"


@pytest.fixture
def filled(library: Library, make_run: RunMaker) -> Library:
    """A library in which everything is called NAME."""
    add_notes(library, {NAME: f"# {NAME}\n\nThe lamp is green."}, folder=f"/notes/{NAME}")
    draft = Draft(
        kind="name", prompt=f"What is {NAME}?", answer=NAME, key="key", quote="The lamp is green."
    )
    add_samples(library, NAME, [draft])
    add_adapter(library, NAME)
    add_model(library, "tiny", 1000)
    card = ModelCard(name="tiny", title=NAME, licence=NAME, source=NAME, parameters=1, sha256="")
    (library.models / "tiny" / MODEL_CARD).write_bytes(msgspec.json.encode(card))
    item = {"question": NAME, "answers": [NAME], "before": NAME, "after": f"{NAME} " * 9}
    report = {"verdict": NAME, "advice": [NAME], "exam": [item], "exam_asked": 1}
    make_run(NAME, last=(protocol.Finished(result=report),))
    with opened(library.database) as db:
        talk = Conversations(db).start(NAME)
        source = Citation(note=1, passage=1, title=NAME, path=f"/notes/{NAME}", start=0, end=4)
        Conversations(db).add(talk, StoredTurn("user", NAME, None))
        Conversations(db).add(talk, StoredTurn("assistant", NAME, NAME, (source,), NAME))
    return library


def as_tooltip(text: str) -> str:
    """What a tooltip shows of a text."""
    if not RichText.mightBeRichText(text):
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


def as_button(text: str) -> str:
    return re.sub("&(.)", r"\1", text)


def shown_by(widget: QWidget) -> Iterator[str]:
    """All texts of a widget as they are seen."""
    yield as_tooltip(widget.toolTip())
    if isinstance(widget, QLabel):
        assert not widget.text() or widget.textFormat() is Qt.TextFormat.PlainText
        yield widget.text()
    elif isinstance(widget, QAbstractButton):
        yield as_button(widget.text())
    elif isinstance(widget, QTextEdit):
        yield widget.toPlainText()
    elif isinstance(widget, QAbstractItemView) and widget.model() is not None:
        for index in indexes(widget.model(), QModelIndex()):
            yield str(index.data())
            yield as_tooltip(str(index.data(Qt.ItemDataRole.ToolTipRole) or ""))


def indexes(model: QAbstractItemModel, parent: QModelIndex) -> Iterator[QModelIndex]:
    for row in range(model.rowCount(parent)):
        for column in itertools.count():
            index = model.index(row, column, parent)
            if not index.isValid():
                break
            yield index
            yield from indexes(model, index)


def look(window: Window) -> list[str]:
    """Every text in the window that comes from NAME."""
    widgets = [window, *window.findChildren(QWidget)]
    texts = [bare(text) for widget in widgets for text in shown_by(widget)]
    return [text for text in texts if "src" in text or "_under" in text]


def visit_notes(window: Window, qtbot: QtBot) -> None:
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    qtbot.waitUntil(lambda: page.table.rowCount() == 1)
    qtbot.waitUntil(lambda: page.table.note(0) is not None)
    page.list.selectRow(0)
    qtbot.waitUntil(lambda: page.preview.title.text() == NAME)
    page.show_samples()
    qtbot.waitUntil(lambda: page.samples.table.rowCount() == 1)
    qtbot.waitUntil(lambda: page.samples.table.item(0) is not None)
    page.samples.view.selectRow(0)
    qtbot.waitUntil(lambda: page.samples.editor.answer.toPlainText() == NAME)


def visit_chat(window: Window, qtbot: QtBot) -> None:
    page = window.page("chat")
    assert isinstance(page, ChatPage)
    page.session.open(1)
    qtbot.waitUntil(lambda: bool(page.transcript.views))


def visit_report(window: Window, qtbot: QtBot) -> None:
    page = window.page("tonight")
    assert isinstance(page, TonightPage)
    qtbot.waitUntil(lambda: bool(page.run.report.examples.views))


def wait(window: Window, qtbot: QtBot) -> None:
    qtbot.wait(50)


VISITS: dict[str, Callable[[Window, QtBot], None]] = {
    "notes": visit_notes,
    "chat": visit_chat,
    "tonight": visit_report,
}


def test_every_page_shows_names_letter_for_letter(
    stand_ins: None, filled: Library, window: Window, qtbot: QtBot
) -> None:
    for entry in ENTRIES:
        window.show_page(entry.key)
        VISITS.get(entry.key, wait)(window, qtbot)
    texts = look(window)
    wrong = {text for text in texts if NAME not in text and NAME[:20] not in text}
    assert not wrong
    assert len(texts) > 30


def test_tooltips_and_labels_of_names_come_from_one_place() -> None:
    """Elsewhere a tooltip is a sentence of ours, and no label is made that looks for HTML."""
    strays = []
    for path in sorted(APP.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            is_label = name == "QLabel" and node.args
            is_tip = name == "setToolTip" and not _is_safe(node.args[0])
            if is_label or is_tip or name == "QMessageBox":
                strays.append(f"{path.name}:{node.lineno}")
    assert strays == []


def _is_safe(argument: ast.expr) -> bool:
    is_ours = isinstance(argument, ast.Constant)
    is_ours |= isinstance(argument, ast.Name) and argument.id.isupper()
    is_made = isinstance(argument, ast.Call) and getattr(argument.func, "id", "") == "tip"
    return is_ours or is_made


@pytest.mark.parametrize("name", [NAME, RUNS_LEFT, "plain", "two\n  lines <i>", "a < b && c > d"])
def test_a_tooltip_that_is_seen_is_the_name(qtbot: QtBot, name: str) -> None:
    shown = QWidget()
    qtbot.addWidget(shown)
    shown.setToolTip(tip(name))
    shown.show()
    place = QPoint(3, 3)
    QApplication.sendEvent(shown, QHelpEvent(QEvent.Type.ToolTip, place, shown.mapToGlobal(place)))
    qtbot.waitUntil(QToolTip.isVisible)
    assert as_tooltip(QToolTip.text()) == name
    QToolTip.hideText()


@pytest.mark.parametrize("name", [NAME, "R&D", "&&", RUNS_LEFT])
def test_a_button_underlines_no_letter_of_a_name(name: str) -> None:
    assert as_button(on_button(name)) == name


def test_an_error_shows_its_words(qtbot: QtBot) -> None:
    error = OvernightError(ErrorKind.ADAPTER_UNKNOWN, f"No “{NAME}”.", f"Choose {RUNS_LEFT}")
    dialog = ErrorDialog(None, error)
    qtbot.addWidget(dialog)
    for part, text in ((dialog.message, error.message), (dialog.hint, error.hint)):
        assert part.text() == text
        assert part.textFormat() is Qt.TextFormat.PlainText


def test_what_helps_to_draw_is_not_copied(qtbot: QtBot) -> None:
    text = f"Deleted “{RUNS_LEFT}” and {'x' * 90}."
    made = paragraph(text)
    qtbot.addWidget(made)
    made.resize(200, 200)
    made.show()
    assert made.text() == text
    assert made.minimumSizeHint().width() < 200  # the long word does not widen the page
    for act in ("Select All", "Copy"):
        place = made.rect().center()
        reason = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(made, QContextMenuEvent(reason, place, made.mapToGlobal(place)))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        entry = next(action for action in menu.actions() if action.text() == act)
        place = menu.actionGeometry(entry).center()
        with qtbot.waitSignal(menu.destroyed):
            QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)
    assert QGuiApplication.clipboard().text() == text


@pytest.mark.parametrize("text", [f"“{RUNS_LEFT}” is ready", f"Deleted “{RUNS_LEFT}”."])
def test_a_name_does_not_turn_a_sentence_that_can_be_selected(qtbot: QtBot, text: str) -> None:
    made = paragraph(text)
    qtbot.addWidget(made)
    made.resize(600, 30)
    made.show()
    assert has_ink(made, 0, 60)  # it begins at the left
    made.setText(RUNS_LEFT)
    assert has_ink(made, 540, 600)  # and this at the right
    assert not has_ink(made, 0, 60)


def test_fields_begin_where_their_text_begins(qtbot: QtBot) -> None:
    editor = SampleEditor()
    qtbot.addWidget(editor)
    editor.show()
    editor._page.show()
    typed = QInputMethodEvent()
    typed.setCommitString(RUNS_LEFT)
    QApplication.sendEvent(editor.prompt, typed)
    assert editor.prompt.document().defaultTextOption().alignment() is Qt.AlignmentFlag.AlignRight
    editor.prompt.clear()
    QTest.keyClicks(editor.prompt, "What?")
    assert editor.prompt.document().defaultTextOption().alignment() is Qt.AlignmentFlag.AlignLeft


def has_ink(widget: QWidget, left: int, right: int) -> bool:
    """Whether something is drawn between two places from the left."""
    picture = widget.grab(QRect(left, 0, right - left, widget.height())).toImage()
    colours = {picture.pixel(x, y) for x in range(picture.width()) for y in range(picture.height())}
    return len(colours) > 1


def test_a_row_runs_as_its_name_does_and_the_model_keeps_the_name(
    filled: Library, window: Window, qtbot: QtBot
) -> None:
    add_notes(filled, {RUNS_LEFT: "Text."}, folder="/left")
    window.show_page("notes")
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    page.refresh()
    qtbot.waitUntil(lambda: page.table.rowCount() == 2)
    qtbot.waitUntil(lambda: page.table.note(0) is not None)
    view: NoteList = page.list
    rows = view.itemDelegate()
    assert isinstance(rows, RowDelegate)
    index = next(i for i in indexes(page.table, QModelIndex()) if i.data() == RUNS_LEFT)
    option = QStyleOptionViewItem()
    rows.initStyleOption(option, index)
    assert option.text == f"\u2068{RUNS_LEFT}\u2069"


def test_an_answer_too_long_for_the_report_is_told_beside_it(qtbot: QtBot) -> None:
    long = f"{NAME} " * 20
    view = ExampleView(
        ExamItem(question=NAME, answers=(RUNS_LEFT, NAME), before="short", after=long)
    )
    qtbot.addWidget(view)
    assert view.now.text().endswith("…")
    assert as_tooltip(view.now.toolTip()) == long.strip()
    assert view.before.toolTip() == ""
    assert bare(view.right.text()) == f"{RUNS_LEFT} or {NAME}"
    long_word = label("x" * 500)
    qtbot.addWidget(long_word)
    assert long_word.text() == "x" * 500
