from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.login_item import LoginItem
from app.library.background import Background
from app.library.preferences import Preferences
from mlx_backend.errors import OvernightError
from mlx_backend.library import Library
from mlx_backend.settings import change_settings, load_settings


@pytest.fixture
def background(library: Library, qtbot: QtBot) -> Iterator[Background]:
    background = Background(library.database)
    yield background
    background.close()


@pytest.fixture
def preferences(library: Library, background: Background) -> Preferences:
    return Preferences(library.settings, background)


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a Linux that has systemd keeps what is started at login."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "systemd" / "user"


def test_it_follows_the_setting(
    preferences: Preferences, background: Background, library: Library, units: Path, qtbot: QtBot
) -> None:
    item = LoginItem(preferences, background, library)
    item.begin()
    preferences.change(go_on_after_restart=True)
    qtbot.waitUntil(lambda: bool(list(units.glob("*.service"))))
    preferences.change(go_on_after_restart=False)
    qtbot.waitUntil(lambda: not list(units.glob("*.service")))


def test_other_settings_change_nothing(
    preferences: Preferences, background: Background, library: Library, units: Path, qtbot: QtBot
) -> None:
    item = LoginItem(preferences, background, library)
    item.begin()
    preferences.change(rank=4)
    with qtbot.waitCallback() as done:
        background.call(lambda _: None, done)
    assert not units.exists()


def test_it_is_brought_up_to_date_when_the_window_opens(
    background: Background, library: Library, units: Path, qtbot: QtBot
) -> None:
    change_settings(library.settings, go_on_after_restart=True)
    item = LoginItem(Preferences(library.settings, background), background, library)
    item.begin()
    qtbot.waitUntil(lambda: bool(list(units.glob("*.service"))))


def test_what_the_system_refuses_is_switched_off_and_said(
    preferences: Preferences, background: Background, library: Library, units: Path, qtbot: QtBot
) -> None:
    units.parent.parent.mkdir(parents=True)
    units.parent.write_text("a file where a folder has to be")
    item = LoginItem(preferences, background, library)
    item.begin()
    with qtbot.waitSignal(background.failed) as failed:
        preferences.change(go_on_after_restart=True)
    assert isinstance(failed.args[0], OvernightError)
    assert not preferences.settings.go_on_after_restart
    qtbot.waitUntil(lambda: not load_settings(library.settings).go_on_after_restart)
