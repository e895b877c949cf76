"""Settings as people type them: in their language's way, and with the wheel over a field."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QLocale, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QScrollArea,
    QScrollBar,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.services import Services
from app.settings.fields import AUTOMATIC
from app.settings.page import SettingsPage
from app.shell.window import ENTRIES, Window
from app.tonight.when_fields import WhenFields
from app.widgets.number_fields import DecimalField, WholeField, decimal_number, whole_number
from mlx_backend.cli.main import main
from mlx_backend.library import Library
from mlx_backend.library.home import HOME_VARIABLE
from mlx_backend.settings import change_settings, load_settings
from tests.app.filled import add_adapter, add_notes
from tests.app.keyboard import paste


@pytest.fixture
def locale(request: pytest.FixtureRequest) -> Iterator[QLocale]:
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield QLocale()
    QLocale.setDefault(before)


@pytest.fixture
def page(page: SettingsPage) -> SettingsPage:
    page.resize(700, 400)
    return page


def type_over(field: QWidget, text: str) -> None:
    assert isinstance(field, QSpinBox | QDoubleSpinBox)
    field.setFocus()
    field.selectAll()
    if text.isascii():
        QTest.keyClicks(field, text)
    else:
        paste(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.parametrize("locale", ["de_DE", "en_US", "fr_FR", "de_CH", "ar_EG"], indirect=True)
@pytest.mark.parametrize("typed", ["1.5", "01,50 hours"])
def test_a_decimal_sign_is_one_in_every_locale(
    locale: QLocale, page: SettingsPage, services: Services, typed: str
) -> None:
    type_over(page.fields["hours"], typed)
    assert services.preferences.settings.hours == 1.5
    field = page.fields["hours"]
    assert isinstance(field, QDoubleSpinBox)
    assert field.text() == f"{locale.toString(1.5, 'f', 1)} hours"
    type_over(page.fields["learning_rate"], "0,5")
    assert services.preferences.settings.learning_rate == 0.1  # more there cannot be
    type_over(page.fields["temperature"], "1,234")
    assert services.preferences.settings.temperature == 1.23


@pytest.mark.parametrize("locale", ["de_DE", "en_US"], indirect=True)
@pytest.mark.parametrize("rate", ["0.000004", "0.0000125", "0.00002", "0.1"])
def test_a_small_learning_rate_is_shown_and_typed_whole(
    locale: QLocale, page: SettingsPage, services: Services, rate: str
) -> None:
    field = page.fields["learning_rate"]
    assert isinstance(field, QDoubleSpinBox)
    assert field.text() == AUTOMATIC
    services.preferences.change(learning_rate=float(rate))
    assert field.text() == rate.replace(".", locale.decimalPoint())
    services.preferences.change(learning_rate=None)
    assert field.text() == AUTOMATIC
    type_over(field, rate)
    assert services.preferences.settings.learning_rate == float(rate)


@pytest.mark.parametrize("locale", ["de_DE", "en_US"], indirect=True)
@pytest.mark.parametrize(
    ("typed", "tokens"),
    [("1.024", 1024), ("1,024", 1024), ("512", 512), ("1.5", 256), ("٥", 16)],
)
def test_a_whole_number_is_grouped_or_none(
    locale: QLocale, page: SettingsPage, services: Services, typed: str, tokens: int
) -> None:
    type_over(page.fields["max_tokens"], typed)
    assert services.preferences.settings.max_tokens == tokens


def test_a_pasted_number_is_read_as_a_typed_one(page: SettingsPage, services: Services) -> None:
    field = page.fields["hours"]
    assert isinstance(field, QDoubleSpinBox)
    field.setFocus()
    field.selectAll()
    paste(field, "2,5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert services.preferences.settings.hours == 2.5


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), ("1,5", 1.5), (".5", 0.5), ("٫٥", 0.5), ("8", 8.0), ("1.", 1.0)],
)
def test_decimal_numbers(text: str, number: float) -> None:
    assert decimal_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "1,2.3", "a", "1e3", "1 5", "--1", "inf", "nan", "9" * 5000]
)
def test_what_is_no_decimal_number(text: str) -> None:
    assert decimal_number(text) is None


def test_whole_numbers() -> None:
    for text in ("1024", "1.024", "1,024", "1 024", "1\u202f024", "1'024", "1’024"):
        assert whole_number(text) == 1024
    for text in ("1.5", "1,5", "1.0245", "1,024.5", "10.24", "", ".", "9" * 5000):
        assert whole_number(text) is None


# --- the wheel ---


def wheel(target: QWidget, clicks: int = -3) -> None:
    place = QPointF(target.rect().center())
    event = QWheelEvent(
        place,
        QPointF(target.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, clicks * 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(target, event)


def value_of(field: QWidget) -> object:
    if isinstance(field, QComboBox):
        return field.currentIndex()
    if isinstance(field, QAbstractSlider):
        return field.value()
    return field.text() if isinstance(field, QAbstractSpinBox) else None


def test_the_wheel_changes_no_field_anywhere(
    stand_ins: None, library: Library, window: Window, qtbot: QtBot
) -> None:
    add_notes(library)
    for name in ("One", "Two"):
        add_adapter(library, name)
    seen = 0
    for entry in ENTRIES:
        window.show_page(entry.key)
        QApplication.processEvents()
        fields: list[QWidget] = []
        for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider):
            found = window.page(entry.key).findChildren(kind)
            fields += [each for each in found if not isinstance(each, QScrollBar)]
        for field in fields:
            field.setEnabled(True)
            for focus in (False, True):
                if focus:
                    field.setFocus()
                before = value_of(field)
                wheel(field)
                wheel(field, 3)
                wheel(field, 1)
                assert value_of(field) == before, (entry.key, field.accessibleName())
            seen += 1
    assert seen >= 10


def test_the_wheel_over_a_field_scrolls_the_page(page: SettingsPage) -> None:
    scroll = page.findChild(QScrollArea)
    assert isinstance(scroll, QScrollArea)
    assert scroll.verticalScrollBar().value() == 0
    field = page.fields["appearance"]
    assert isinstance(field, QComboBox)
    place = QPointF(field.mapTo(page, field.rect().center()))
    QTest.wheelEvent(page.windowHandle(), place, QPoint(0, -360))
    assert scroll.verticalScrollBar().value() > 0
    assert field.currentIndex() == 0


# --- two writers ---


def test_what_a_terminal_changes_is_shown_and_never_undone(
    page: SettingsPage,
    services: Services,
    library: Library,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services.preferences.change(go_on_after_restart=True)
    qtbot.waitUntil(lambda: load_settings(library.settings).go_on_after_restart)
    monkeypatch.setenv(HOME_VARIABLE, str(library.home))
    assert main(["resume", "--after-restart", "off"]) == 0
    services.preferences.change(rank=8)
    qtbot.waitUntil(lambda: load_settings(library.settings).rank == 8)
    assert not load_settings(library.settings).go_on_after_restart
    qtbot.waitUntil(lambda: not services.preferences.settings.go_on_after_restart)
    change_settings(library.settings, hours=3.5)
    qtbot.waitUntil(lambda: services.preferences.settings.hours == 3.5)
    field = page.fields["hours"]
    assert isinstance(field, QDoubleSpinBox)
    assert field.value() == 3.5
    with library.settings.open("r+b") as file:  # as an editor does that does not replace it
        content = file.read().replace(b"3.5", b"4.5")
        file.seek(0)
        file.write(content)
    qtbot.waitUntil(lambda: services.preferences.settings.hours == 4.5)


def test_a_damaged_file_is_said_in_the_window(library: Library, qapp: QApplication) -> None:
    from app.services import make_services

    library.settings.write_bytes(b'{"rank": 8,}')
    services = make_services(library, qapp)
    window = Window(services)
    assert services.preferences.settings.rank == 8
    assert window.notices.isVisibleTo(window)
    assert "settings (damaged" in window.notices.label.text()
    window.deleteLater()
    services.close()


def test_what_is_being_typed_is_not_written_over(page: SettingsPage, services: Services) -> None:
    field = page.fields["hours"]
    assert isinstance(field, QDoubleSpinBox)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "2.")
    services.preferences.change(rank=8)
    QTest.keyClicks(field, "5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert services.preferences.settings.hours == 2.5


@pytest.mark.parametrize("make", [DecimalField, WholeField, WhenFields])
def test_what_stands_in_a_field_keeps_off_its_edge(
    services: Services, qtbot: QtBot, make: Callable[[], QWidget]
) -> None:
    made = make()
    qtbot.addWidget(made)
    made.resize(400, 26)
    made.show()
    field = made if isinstance(made, QAbstractSpinBox) else made.findChildren(QAbstractSpinBox)[0]
    image = field.grab().toImage()
    middle = range(6, image.height() - 6)
    assert len({image.pixel(x, y) for x in range(2, 5) for y in middle}) == 1
