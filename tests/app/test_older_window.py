"""The window on a library of version 0.1.0, and what the window of that version kept in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.chat.drafts_and_choices import DraftsAndChoices
from app.library.window_state import window_state
from app.services import Services
from app.shell.window import ENTRIES, Window
from app.style import zoom
from mlx_backend.library import Library
from tests.data.unpacking import unpack


@pytest.fixture(autouse=True)
def usual_size(services: Services) -> Iterator[None]:
    yield
    services.style.set_zoom(100)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library.open(unpack(tmp_path))


def test_the_chat_remembers(services: Services) -> None:
    memory = DraftsAndChoices(services.library.home / "chat.json", services.background)
    assert memory.conversation == 1
    assert memory.draft(1) == "And where does its lens come from?"
    assert memory.draft(None) == "What does the ferry"
    assert (memory.has_chosen, memory.adapter) == (True, "Harbour")
    assert (memory.compare, memory.grounded) == (True, False)


def test_the_window_opens_as_it_was_left(
    stand_ins: None, services: Services, window: Window, qtbot: QtBot
) -> None:
    assert window_state(services.library.home).value("zoom", 100, int) == zoom() == 110
    for entry in ENTRIES:
        window.show_page(entry.key)
        qtbot.wait(20)
    assert not window.notices.isVisible()
