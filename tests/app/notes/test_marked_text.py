from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from app.notes.marked_text import MarkedText
from app.notes.text_marks import Becomes, marks_of, shown_text
from app.services import Services
from app.style import Style
from mlx_backend.library.curation_findings import Reason, Step
from mlx_backend.library.notes import Span

TEXT = "Tide 🌊 table\n\nThe same footer.\n\nThe password is hunter22."
PASSAGES = (Span(0, 30, "Tides"), Span(32, len(TEXT), ""))


def reason(
    step: Step, spans: tuple[tuple[int, int], ...], undone: bool = False, value: str = ""
) -> Reason:
    return Reason(step, f"Because of {step}.", False, undone, None, None, value, spans)


FOOTER = reason("boilerplate", ((14, 30),))


@pytest.fixture
def text(services: Services, qtbot: QtBot) -> MarkedText:
    text = MarkedText(services.style)
    qtbot.addWidget(text)
    text.resize(400, 300)
    text.show()
    text.show_text(shown_text(TEXT), marks_of(TEXT, PASSAGES, (FOOTER,), used=True), is_used=True)
    return text


def test_marks_are_at_the_places_that_qt_counts() -> None:
    marks = marks_of(TEXT, PASSAGES, (FOOTER,), used=True)
    assert [(mark.start, mark.end) for mark in marks] == [(0, 31), (33, len(TEXT) + 1), (15, 31)]
    assert marks[0].sentence == "Passage 1 of 2, taught under “Tides”."
    assert marks[2].becomes is Becomes.LEFT_OUT
    assert marks[2].sentence == "Because of boilerplate."


def test_what_is_undone_or_changes_no_text_leaves_no_mark() -> None:
    undone = reason("boilerplate", ((0, 5),), undone=True)
    language = reason("language", ((0, 5),))
    assert marks_of(TEXT, (), (undone, language), used=True) == ()


def test_others_words_are_marked_as_such() -> None:
    (mark,) = marks_of(TEXT, (), (reason("authorship", ((0, 5),)),), used=True)
    assert (mark.start, mark.end, mark.becomes) == (0, 5, Becomes.OTHERS)


def test_passages_of_a_note_that_is_left_out_are_not_taught() -> None:
    mark = marks_of(TEXT, PASSAGES[1:], (), used=False)[0]
    assert mark.sentence == "Passage 1 of 1, not taught because the note is left out."


def test_each_secret_says_what_it_is() -> None:
    secrets = reason("secrets", ((0, 4), (48, 56)), value="PIN;password")
    marks = marks_of(TEXT, (), (secrets,), used=True)
    assert [mark.becomes for mark in marks] == [Becomes.MASKED, Becomes.MASKED]
    assert [mark.sentence for mark in marks] == [
        "Masked before training: PIN.",
        "Masked before training: password.",
    ]


def test_line_ends_keep_their_places() -> None:
    assert shown_text("a\r\nb\rc\n") == "a \nb\nc\n"


def test_margin_shows_a_mark_beside_each_line_of_text(text: MarkedText) -> None:
    becomes = [mark.becomes for _, mark in text.lines()]
    # The second is the empty line within the first passage.
    assert becomes == [Becomes.PASSAGE, Becomes.PASSAGE, Becomes.LEFT_OUT, Becomes.PASSAGE]
    tops = [box.top() for box, _ in text.lines()]
    assert tops == sorted(tops)
    text.grab()  # draws the margin


def test_hovering_and_the_cursor_tell_why(text: MarkedText, qtbot: QtBot) -> None:
    text.show_help(QPoint(0, 0), 20)
    qtbot.waitUntil(lambda: QToolTip.text() == "Because of boilerplate.")
    cursor = text.textCursor()
    cursor.setPosition(20)
    with qtbot.waitSignal(text.told) as told:
        text.setTextCursor(cursor)
    assert told.args == ["Because of boilerplate."]


def test_only_what_is_not_taught_looks_different(text: MarkedText) -> None:
    selections = text.extraSelections()
    assert [s.cursor.selectedText() for s in selections] == ["The same footer."]
    assert selections[0].format.fontStrikeOut()


def test_marks_beyond_the_shown_part_do_no_harm(text: MarkedText) -> None:
    text.show_text("Tide", marks_of(TEXT, PASSAGES, (FOOTER,), used=True), is_used=True)
    assert text.extraSelections() == []
    assert len(list(text.lines())) == 1


def test_text_is_not_cut_off_in_a_window_from_the_right(qapp: QApplication, qtbot: QtBot) -> None:
    qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    try:
        view = MarkedText(Style(qapp))
        qtbot.addWidget(view)
        for width, lines in ((300, 60), (600, 60), (280, 2), (620, 60)):
            view.resize(width, 200)
            view.show()
            view.show_text("# Tide table\n\n" + "The tide comes back. " * lines, (), True)
            qtbot.wait(1)
            assert view.cursorRect(QTextCursor(view.document())).x() >= 0
            margin = view._margin.geometry()
            assert margin.right() <= view.viewport().x()
            assert not margin.intersects(bar_of(view))
    finally:
        qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def bar_of(view: MarkedText) -> QRect:
    """Where the scroll bar is, in its view."""
    bar = view.verticalScrollBar()
    return QRect(bar.mapTo(view, QPoint(0, 0)), bar.size()) if bar.isVisible() else QRect()
