"""What commands change in the library while the window is open, and stays in front."""

from __future__ import annotations

import shutil

import pytest
from pytestqt.qtbot import QtBot

from app.adapters.page import AdaptersPage
from app.library import outside_changes
from app.library.background import Background
from app.library.outside_changes import OutsideChanges
from app.notes.page import NotesPage
from app.shell.window import Window
from mlx_backend.library import Library
from tests.app.filled import add_adapter, add_notes


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_changes, "_LOOK_MS", 20)


def test_notes_of_a_command_show_by_themselves(
    window: Window, library: Library, qtbot: QtBot
) -> None:
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    qtbot.waitUntil(lambda: not page._is_looking)
    add_notes(library, {"Lamp": "The lamp burns all night."})
    qtbot.waitUntil(lambda: page.table.rowCount() == 1)
    add_notes(library, {"Lamp": "The lamp burns all night.", "Oil": "Marta brings the oil."})
    qtbot.waitUntil(lambda: page.table.rowCount() == 2)


def test_adapters_of_a_command_show_by_themselves(
    window: Window, library: Library, qtbot: QtBot
) -> None:
    window.show_page("adapters")
    page = window.page("adapters")
    assert isinstance(page, AdaptersPage)
    folder = add_adapter(library, "Mon")
    qtbot.waitUntil(lambda: page.table.rowCount() == 1)
    shutil.rmtree(folder)
    qtbot.waitUntil(lambda: page.table.rowCount() == 0)


def test_what_the_window_writes_itself_is_no_news(library: Library, qtbot: QtBot) -> None:
    background = Background(library.database)
    outside = OutsideChanges(library, background)
    found: list[bool] = []
    outside.found.connect(lambda: found.append(True))
    outside.look()
    done: list[object] = []
    background.call(
        lambda db: db.execute("CREATE TABLE its_own (n)").fetchall(), lambda _: outside.look()
    )
    background.call(lambda _: None, done.append)
    qtbot.waitUntil(lambda: bool(done))
    background.call(lambda _: None, done.append)
    qtbot.waitUntil(lambda: len(done) == 2)
    assert not found
    background.close()
