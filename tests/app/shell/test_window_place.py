"""How large the window opens, and whether every page can be used where there is little room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.chat.exchange_view import ExchangeView
from app.chat.exchanges import Exchange
from app.notes.groups import SKIPPED
from app.notes.page import NotesPage
from app.services import Services
from app.shell import window_place
from app.shell.window import ENTRIES, Window
from app.style import Size, zoom
from app.tonight.answers_over_time import SpokenList
from app.tonight.loss_chart import LossChart
from app.widgets.copy_button import CopyButton
from app.widgets.error_dialog import ErrorDialog
from app.widgets.page_scroll import PageScroll
from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from tests.app.filled import add_adapter, add_model, add_notes, add_skipped
from tests.app.recorded import RunMaker

SMALL = QSize(*Size.WINDOW_LEAST)


@pytest.mark.parametrize(
    ("left_as", "room", "opens"),
    [
        (QRect(0, 0, 1120, 760), QRect(0, 32, 1024, 568), QRect(0, 32, 1024, 568)),
        (QRect(300, 200, 900, 500), QRect(0, 32, 1440, 868), QRect(300, 200, 900, 500)),
        (QRect(2600, 90, 1000, 700), QRect(0, 32, 1440, 868), QRect(440, 90, 1000, 700)),
        (QRect(-900, -50, 1000, 700), QRect(0, 32, 1440, 868), QRect(0, 32, 1000, 700)),
        (QRect(0, 0, 3000, 2000), QRect(1440, 32, 1280, 688), QRect(1440, 32, 1280, 688)),
    ],
    ids=["larger", "as it was", "screen that is gone", "half outside", "from a larger screen"],
)
def test_a_window_is_on_its_screen(left_as: QRect, room: QRect, opens: QRect) -> None:
    assert window_place.fitted(left_as, room) == opens


def test_first_start_is_no_larger_than_the_screen(window: Window) -> None:
    available = QGuiApplication.primaryScreen().availableGeometry()
    assert available.width() < Size.WINDOW[0]
    assert window.width() <= available.width()
    assert window.height() <= available.height() - Size.TITLE_BAR


def test_a_geometry_from_a_larger_screen_is_fitted(
    services: Services, window: Window, qtbot: QtBot
) -> None:
    window.setMinimumSize(0, 0)
    window.setGeometry(700, 700, 2400, 1500)
    window.close()
    other = Window(services)
    qtbot.addWidget(other)
    assert QGuiApplication.primaryScreen().availableGeometry().contains(other.geometry())


def test_least_size_fits_small_macs() -> None:
    # 1024 by 640, less menu bar, Dock and title bar.
    assert SMALL.width() <= 860
    assert SMALL.height() <= 640 - 37 - 80 - 28


@pytest.fixture
def full(library: Library, make_run: RunMaker) -> Library:
    """A library where every page has something to show."""
    add_notes(library)
    add_adapter(library, "A rather long name for what was learned of the notes")
    add_model(library, "large", 8_000_000_000)
    make_run("Journal", last=(protocol.Finished(result={"adapter": "Journal", "notes": 25}),))
    return library


@pytest.fixture
def zoomed(qapp: QApplication) -> Iterator[None]:
    """Puts the zoom back, which belongs to the application."""
    yield
    qapp.setProperty("zoom", 100)


def controls(page: QWidget) -> list[QWidget]:
    kinds = (QAbstractButton, QLineEdit, QComboBox)
    return [w for w in page.findChildren(QWidget) if isinstance(w, kinds) and w.isVisible()]


def said(control: QWidget) -> str:
    return control.text() if isinstance(control, QAbstractButton) else control.accessibleName()


def is_cut(control: QWidget, page: QWidget) -> bool:
    """Whether a control reaches over the edge of what holds it, where no scrolling leads."""
    around = control.parentWidget()
    while around is not None and around is not page:
        if isinstance(around.parentWidget(), QScrollArea):
            return False  # it can be brought into view
        if not around.rect().contains(QRect(control.mapTo(around, QPoint(0, 0)), control.size())):
            return True
        around = around.parentWidget()
    return False


@pytest.mark.parametrize("percent", [80, 100, 200])
@pytest.mark.parametrize("is_full", [False, True], ids=["empty", "full"])
def test_nothing_is_cut_off_in_the_smallest_window(
    percent: int,
    is_full: bool,
    library: Library,
    request: pytest.FixtureRequest,
    zoomed: None,
    qtbot: QtBot,
) -> None:
    if is_full:
        request.getfixturevalue("full")
    window: Window = request.getfixturevalue("window")
    services: Services = request.getfixturevalue("services")
    services.style.set_zoom(percent)
    window.setMinimumSize(SMALL)
    window.resize(SMALL)
    for entry in ENTRIES:
        window.show_page(entry.key)
        QTest.qWait(100)
        page = window.page(entry.key)
        cut = [c for c in controls(page) if is_cut(c, page)]
        assert not cut, (entry.key, [(type(c).__name__, said(c), c.geometry()) for c in cut])
        narrow = [
            b.text()
            for b in controls(page)
            if isinstance(b, QPushButton) and b.width() < b.minimumSizeHint().width()
        ]
        assert not narrow, entry.key


def test_no_stray_scroll_bars_at_1024_by_600(full: Library, window: Window, qtbot: QtBot) -> None:
    window.setMinimumSize(SMALL)
    window.resize(1024, 570)
    for entry in ENTRIES:
        window.show_page(entry.key)
        QTest.qWait(100)
        frames = window.findChildren(PageScroll)
        for area in window.page(entry.key).findChildren(QScrollArea):
            assert not area.horizontalScrollBar().isVisible(), entry.key
        frame = next(f for f in frames if f.page is window.page(entry.key))
        assert not frame.verticalScrollBar().isVisible(), entry.key
        assert not frame.horizontalScrollBar().isVisible(), entry.key


def test_skipped_files_bring_no_second_scroll_bar(
    library: Library, window: Window, qtbot: QtBot
) -> None:
    add_notes(library)
    add_skipped(library, {f"/notes/{number}.jpg": "It is a picture." for number in range(3)})
    window.setMinimumSize(SMALL)
    window.resize(1024, 570)
    page = cast(NotesPage, window.page("notes"))
    page.refresh()
    qtbot.waitUntil(page.chips.chip(SKIPPED).isVisible)
    page.chips.choose(SKIPPED)
    qtbot.waitUntil(page.skipped.isVisible)
    QTest.qWait(50)
    frame = next(f for f in window.findChildren(PageScroll) if f.page is page)
    assert not frame.verticalScrollBar().isVisible()


def test_zoom_by_key_is_remembered(
    services: Services, window: Window, zoomed: None, qtbot: QtBot
) -> None:
    control = Qt.KeyboardModifier.ControlModifier
    high, large = window.sidebar.list.sizeHintForRow(0), QApplication.font().pixelSize()
    QTest.keyClick(window, Qt.Key.Key_Plus, control)
    QTest.keyClick(window, Qt.Key.Key_Equal, control)
    assert zoom() == 125
    assert QApplication.font().pixelSize() > large
    assert window.sidebar.list.sizeHintForRow(0) > high
    window.close()
    other = Window(services)
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(other.isActiveWindow)
    assert zoom() == 125
    QTest.keyClick(other, Qt.Key.Key_Minus, control)
    assert zoom() == 110
    QTest.keyClick(other, Qt.Key.Key_0, control)
    assert zoom() == 100
    assert not other.menus.actual.isEnabled()
    for _ in range(20):
        QTest.keyClick(other, Qt.Key.Key_Plus, control)
    assert zoom() == 200
    assert not other.menus.larger.isEnabled()


def test_what_was_fixed_in_size_follows_the_zoom(
    services: Services, window: Window, zoomed: None
) -> None:
    window.show_page("chat")
    button = next(b for b in window.page("chat").findChildren(QPushButton) if b.text() == "Send")
    before = button.height()
    services.style.set_zoom(200)
    assert button.height() == 2 * before
    services.style.set_zoom(100)
    assert button.height() == before


def test_small_things_follow_the_zoom(
    services: Services, window: Window, zoomed: None, qtbot: QtBot
) -> None:
    window.notices.show_error(OvernightError(ErrorKind.BUSY, "The adapter is busy."))
    copy, spoken = CopyButton(lambda: "", "it"), SpokenList()
    chart = LossChart(services.style)
    for each in (copy, spoken, chart):
        qtbot.addWidget(each)
        each.show()
    spoken.stand(beside=True)
    qtbot.waitUntil(lambda: chart.is_drawn)
    lanes = chart.plot._below
    close, notice = window.notices.close_button, window.notices.label.parentWidget()
    assert notice is not None

    def sizes() -> list[float]:
        fixed = [notice.height(), close.iconSize().height(), copy.height(), spoken.minimumWidth()]
        return [*fixed, lanes.minimumHeight()]

    before = sizes()
    services.style.set_zoom(200)
    qtbot.waitUntil(lambda: sizes() == [2 * size for size in before])
    services.style.set_zoom(100)
    qtbot.waitUntil(lambda: sizes() == before)


def test_what_was_said_follows_the_zoom(services: Services, zoomed: None, qtbot: QtBot) -> None:
    view = ExchangeView(Exchange("A question of a few words?"), services.style)
    qtbot.addWidget(view)
    view.resize(700, 300)
    view.show()
    for percent in (200, 80, 100):
        services.style.set_zoom(percent)
        QTest.qWait(20)
        text = view.question.bubble.text
        assert text.height() >= text.document().size().height(), percent
        assert text.document().lineCount() == 1, percent


def test_a_list_with_the_focus_has_a_ring(library: Library, window: Window, qtbot: QtBot) -> None:
    add_notes(library)
    window.activateWindow()
    page = cast(NotesPage, window.page("notes"))
    page.refresh()
    qtbot.waitUntil(lambda: page.table.rowCount() == 3)
    for view in (page.list, page.folders.view):
        page.search.setFocus()
        qtbot.waitUntil(lambda: QApplication.focusWidget() is page.search)
        without = view.grab().toImage()
        view.setFocus()
        qtbot.waitUntil(view.hasFocus)
        assert view.grab().toImage() != without


def test_a_dialog_is_never_higher_than_the_screen(qtbot: QtBot, tmp_path: Path) -> None:
    told = " ".join(["The library’s folder cannot be opened."] * 200)
    dialog = ErrorDialog(None, OvernightError(ErrorKind.UNREADABLE, told, told), None, tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    room = QGuiApplication.primaryScreen().availableGeometry()
    assert dialog.height() <= room.height()
    assert dialog.folder.isVisible()
    assert dialog.rect().contains(
        QRect(dialog.folder.mapTo(dialog, QPoint()), dialog.folder.size())
    )
