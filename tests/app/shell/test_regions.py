"""Numbers, clocks and dates as they are usual where the person lives, in English sentences."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QListWidget,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.chat.pasted_texts import PastedRow
from app.chat.question_length import length_notice
from app.main import settle_direction
from app.text import amounts
from app.text.directions import runs_left
from app.text.error_text import trouble
from app.tonight.when_fields import WhenFields
from app.widgets.elided import Elided
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import label, paragraph
from app.widgets.notices import Notices
from app.widgets.row_delegate import RowDelegate
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import LONGEST_QUESTION
from mlx_backend.protocol.context_window import too_long

AT = time.mktime((2026, 11, 23, 7, 5, 0, 0, 0, -1))


@pytest.fixture
def region(qapp: QApplication) -> Iterator[Callable[[str], None]]:
    def choose(name: str) -> None:
        QLocale.setDefault(QLocale(name))

    yield choose
    QLocale.setDefault(QLocale.c())
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    qapp.setStyle("Fusion")


@pytest.mark.parametrize(
    ("name", "number", "size", "clock", "date"),
    [
        ("en_US", "1,540", "1.4 GB", "7:05 AM", "November 23, 2026"),
        ("en_GB", "1,540", "1.4 GB", "07:05", "23 November 2026"),
        ("de_DE", "1.540", "1,4 GB", "07:05", "23 November 2026"),
        ("he_IL", "1,540", "1.4 GB", "7:05", "23 November 2026"),
    ],
)
def test_each_region_has_its_own(
    name: str, number: str, size: str, clock: str, date: str, region: Callable[[str], None]
) -> None:
    region(name)
    assert amounts.number(1540) == number
    assert amounts.count(1540, "word") == f"{number} words"
    assert amounts.size(1.44e9) == size
    assert amounts.time_of_day(AT).replace("\N{NARROW NO-BREAK SPACE}", " ") == clock
    assert amounts.day(AT, AT + 9 * 86_400) == date


def test_sentences_of_the_engine_too(region: Callable[[str], None]) -> None:
    region("de_DE")
    said = "It needs about 2.1 GB of memory; 1,310 samples kept. See 3.14 and 10,5."
    assert amounts.regional(said) == (
        "It needs about 2,1 GB of memory; 1.310 samples kept. See 3.14 and 10,5."
    )


def test_what_is_said_of_long_texts_too(region: Callable[[str], None], qtbot: QtBot) -> None:
    region("de_DE")
    row = PastedRow("word " * 4_200)
    qtbot.addWidget(row)
    assert row.length.text() == "Pasted, 21.000 characters"
    longest = f"{amounts.number(LONGEST_QUESTION)} can be sent"
    assert longest in length_notice("a" * (LONGEST_QUESTION + 1), False, 0)
    assert "." in longest
    assert "about 6.100 words" in length_notice("word " * 20_000, False, 8192)
    assert "about 1.500 words" in trouble(too_long(30_000, 2_048))
    notices = Notices()
    qtbot.addWidget(notices)
    notices.show_error(OvernightError(ErrorKind.NO_MEMORY, "It needs 2.1 GB.", "There are 1.1 GB."))
    assert notices.label.text() == "It needs 2,1 GB. There are 1,1 GB."


@pytest.mark.parametrize(("name", "shown"), [("de_DE", "23:00"), ("en_US", "11:00 PM")])
def test_fields_for_the_time_have_the_clock_of_the_region(
    name: str, shown: str, region: Callable[[str], None], qtbot: QtBot
) -> None:
    region(name)
    fields = WhenFields()
    qtbot.addWidget(fields)
    text = fields.start.edit.text().replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert text == shown


def test_a_window_from_right_to_left(
    region: Callable[[str], None], qapp: QApplication, qtbot: QtBot
) -> None:
    region("he_IL")
    settle_direction(qapp)
    assert qapp.layoutDirection() is Qt.LayoutDirection.RightToLeft
    row = QWidget()
    qtbot.addWidget(row)
    flow = FlowLayout(row, 8)
    first, second = QPushButton("Add Folder…"), QPushButton("Export…")
    flow.addWidget(first)
    flow.addWidget(second)
    row.resize(600, 60)
    row.show()
    assert first.x() > second.x()
    assert first.geometry().right() == row.rect().right()
    before_words = first.grab().toImage()
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    assert first.grab().toImage() == before_words  # the dots stay behind the words


def test_a_strip_is_mirrored_in_a_window_from_right_to_left(
    region: Callable[[str], None], qapp: QApplication, qtbot: QtBot
) -> None:
    def rooms() -> tuple[int, int]:
        """What is left free before the words and behind the last button."""
        notices = Notices()
        qtbot.addWidget(notices)
        notices.resize(600, 60)
        notices.show_error(OvernightError(ErrorKind.DISK_FULL, "The disk is full."))
        strip = notices.label.parentWidget()
        words, cross = notices.label.geometry(), notices.close_button.geometry()
        assert strip is not None
        left, right = sorted((words, cross), key=lambda each: each.x())
        rooms = left.x(), strip.width() - right.x() - right.width()
        return rooms if left is words else (rooms[1], rooms[0])

    usual = rooms()
    assert usual[0] > usual[1]
    region("he_IL")
    settle_direction(qapp)
    assert rooms() == usual


@pytest.mark.parametrize("text", ["What is comma?", "(see below)", "Notes…", "3 notes!"])
def test_sentences_in_lists_keep_their_signs_where_they_belong(
    region: Callable[[str], None], qapp: QApplication, qtbot: QtBot, text: str
) -> None:
    region("he_IL")
    settle_direction(qapp)

    def drawn(shown: str) -> QImage:
        view = QListWidget()
        qtbot.addWidget(view)
        view.setItemDelegate(RowDelegate(view))
        view.addItem(shown)
        view.resize(300, 60)
        view.show()
        return view.viewport().grab().toImage()

    assert drawn(text) == drawn(f"\N{LEFT-TO-RIGHT ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}")


@pytest.mark.parametrize("make", [Elided, label, paragraph])
def test_names_begin_where_the_window_does(
    make: Callable[[str], QLabel], region: Callable[[str], None], qapp: QApplication, qtbot: QtBot
) -> None:
    region("he_IL")
    settle_direction(qapp)
    shown = make("Notes")
    qtbot.addWidget(shown)
    shown.resize(300, 20)
    shown.show()
    image = shown.grab().toImage()
    right = image.copy(image.width() // 2, 0, image.width() // 2, image.height())
    left = image.copy(0, 0, image.width() // 2, image.height())
    assert len({left.pixel(x, y) for x in range(left.width()) for y in range(20)}) == 1
    assert len({right.pixel(x, y) for x in range(right.width()) for y in range(20)}) > 1


def test_the_direction_of_a_text_is_that_of_its_first_letter() -> None:
    assert runs_left("12 שלום, world")
    assert runs_left("مرحبا")
    assert not runs_left("3 skipped files")
    assert not runs_left("Notes שלום")
    assert not runs_left("…")
