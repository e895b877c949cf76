from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QSpinBox
from pytestqt.qtbot import QtBot

from app.library.background import Background
from app.library.preferences import Preferences
from app.services import Services
from app.settings.fields import AUTOMATIC, declared_settings
from app.settings.page import SettingsPage
from app.widgets.fold import Fold
from mlx_backend.library import Library
from mlx_backend.library.database import connect
from mlx_backend.library.own_names import OwnNames
from mlx_backend.settings import Settings, load_settings


def test_every_declared_setting_has_a_field_that_shows_its_value(page: SettingsPage) -> None:
    declared = {each.name: each for each in declared_settings()}
    assert set(declared) == set(Settings.__struct_fields__)
    assert set(page.fields) == set(declared) - {"base_model"}
    for name, field in page.fields.items():
        assert field.accessibleName() == declared[name].title
        if isinstance(field, QComboBox):
            assert field.currentData() == declared[name].default
        elif isinstance(field, QCheckBox):
            assert field.isChecked() == declared[name].default
        elif isinstance(field, QSpinBox | QDoubleSpinBox):
            default = declared[name].default
            assert field.value() == (field.minimum() if default is None else default)
            assert (field.text() == AUTOMATIC) == (default is None)


def test_options_keep_the_order_of_their_declaration(page: SettingsPage) -> None:
    appearance = page.fields["appearance"]
    assert isinstance(appearance, QComboBox)
    options = [appearance.itemText(index) for index in range(appearance.count())]
    assert options == ["System", "Light", "Dark"]


def test_numbers_are_short_and_have_their_unit(page: SettingsPage) -> None:
    texts = {n: f.text() for n, f in page.fields.items() if isinstance(f, QDoubleSpinBox)}
    assert texts["hours"] == "8 hours"
    assert texts["temperature"] == "0.2"
    assert texts["learning_rate"] == "Automatic"


def test_a_number_that_follows_from_the_model_can_be_set_and_given_back(
    page: SettingsPage, services: Services
) -> None:
    rate, passes = page.fields["learning_rate"], page.fields["passes"]
    assert isinstance(rate, QDoubleSpinBox)
    assert isinstance(passes, QSpinBox)
    rate.setValue(0.0003)
    passes.setValue(5)
    assert (rate.text(), passes.text()) == ("0.0003", "5 passes")
    settings = services.preferences.settings
    assert (settings.learning_rate, settings.passes, settings.rank) == (0.0003, 5, None)
    services.preferences.change(passes=None)
    rate.setValue(0)
    assert (rate.text(), passes.text()) == (AUTOMATIC, AUTOMATIC)
    assert services.preferences.settings.learning_rate is None


def test_change_is_in_force_and_saved_at_once(
    page: SettingsPage, services: Services, qtbot: QtBot
) -> None:
    appearance, rank = page.fields["appearance"], page.fields["rank"]
    assert isinstance(appearance, QComboBox)
    assert isinstance(rank, QSpinBox)
    appearance.setCurrentIndex(appearance.findData("dark"))
    rank.setValue(32)
    assert services.style.colours.dark
    path = services.library.settings
    qtbot.waitUntil(lambda: load_settings(path) == Settings(appearance="dark", rank=32))
    appearance.setCurrentIndex(appearance.findData("system"))
    assert not services.style.colours.dark


def test_a_switch_is_saved_and_shows_what_is_set_elsewhere(
    page: SettingsPage, services: Services, qtbot: QtBot
) -> None:
    battery = page.fields["wait_on_battery"]
    assert isinstance(battery, QCheckBox)
    battery.click()
    path = services.library.settings
    qtbot.waitUntil(lambda: load_settings(path) == Settings(wait_on_battery=False))
    services.preferences.change(wait_on_battery=True)
    assert battery.isChecked()


def test_fields_hold_to_the_declared_ranges(page: SettingsPage, services: Services) -> None:
    for name, field in page.fields.items():
        if isinstance(field, QSpinBox | QDoubleSpinBox):
            field.stepBy(10**6)
            assert field.value() == field.maximum()
            field.stepBy(-(10**6))
            least = None if field.specialValueText() else field.minimum()
            assert getattr(services.preferences.settings, name) == least


def test_jargon_waits_behind_details(page: SettingsPage) -> None:
    fold = page.findChild(Fold)
    assert isinstance(fold, Fold)
    rank = page.fields["rank"]
    assert not rank.isVisible()
    fold.button.click()
    assert rank.isVisible()


def test_settings_are_there_after_a_restart(library: Library, qtbot: QtBot, tmp_path: Path) -> None:
    background = Background(library.database)
    Preferences(library.settings, background).change(hours=2.5)
    background.close()
    assert Preferences(library.settings, background).settings.hours == 2.5


def test_names_are_kept_when_the_field_is_left(
    page: SettingsPage, library: Library, qtbot: QtBot
) -> None:
    field = page.own_names
    field.line.setText(" Emil Falk,, emil@cove.example ,")
    with qtbot.waitSignal(field.changed):
        field.line.editingFinished.emit()
    names = OwnNames(connect(library.database))
    assert names.all() == ["Emil Falk", "emil@cove.example"]
    names.add("Captain")
    page.hide()
    page.show()
    qtbot.waitUntil(lambda: field.line.text() == "Emil Falk, emil@cove.example, Captain")
