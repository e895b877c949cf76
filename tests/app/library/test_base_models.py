"""What base models are called in the window, and what it says of whether they fit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import app
from app.chat.page import ChatPage
from app.library.base_models import called
from app.models.page import ModelsPage
from app.services import Services
from app.tonight.page import TonightPage
from mlx_backend.library import Library
from mlx_backend.library.measured_memory import Measured
from tests.app.filled import add_model, add_notes

SHOWN = ["Starter", "Qwen3 4B (first)", "Qwen3 4B (second)"]


@pytest.fixture
def twins(library: Library) -> None:
    """Two base models with one title."""
    add_notes(library)
    for name in ("first", "second"):
        add_model(library, name, 1_000_000, title="Qwen3 4B")


def bare(text: str) -> str:
    """Without marks of direction."""
    return re.sub("[\u2066-\u2069]", "", text)


@pytest.mark.parametrize(
    ("name", "title", "shown"),
    [
        ("starter", "SmolLM2 135M Instruct", "Starter"),
        ("Qwen3-4B", "Qwen3-4B", "Qwen3-4B"),
        ("Qwen3-4B 2", "Qwen3-4B", "Qwen3-4B 2"),
        ("mine", "Qwen3-4B", "Qwen3-4B (mine)"),
        ("gone", "", "gone"),
    ],
)
def test_the_name_stands_beside_a_title_that_differs(name: str, title: str, shown: str) -> None:
    assert called(name, title) == shown


@pytest.mark.usefixtures("twins")
def test_models_of_one_title_differ_on_the_page_models(services: Services, qtbot: QtBot) -> None:
    page = ModelsPage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: len(page.names) == 3)
    assert [bare(button.text()) for button in page.choices.buttons()] == SHOWN
    deletes = [each.accessibleName() for each in page.models.findChildren(type(page.hub.line.go))]
    assert {f"Delete {name}" for name in SHOWN[1:]} <= set(deletes)
    page.models.delete_wanted.emit(page._found.models[0])
    qtbot.waitUntil(page.undo_bar.isVisible)
    assert "Deleted “Qwen3 4B (first)”." in page.undo_bar.label.text()


@pytest.mark.usefixtures("twins")
def test_models_of_one_title_differ_in_the_menus(services: Services, qtbot: QtBot) -> None:
    tonight, chat = TonightPage(services), ChatPage(services)
    for page in (tonight, chat):
        qtbot.addWidget(page)
        page.show()
    for menu in (tonight.plan.base, chat.answerer.menu):
        qtbot.waitUntil(lambda menu=menu: menu.count() == 3)  # type: ignore[misc]
        assert [bare(menu.itemText(place)) for place in range(3)] == SHOWN


def test_all_pages_say_the_same_about_what_fits(
    services: Services, qtbot: QtBot, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_notes(library)
    add_model(library, "Qwen", 1_000_000)
    huge = Measured(peak_bytes=10**15, longest_row=256, at=10**12)
    monkeypatch.setattr("mlx_backend.library.models.measured_memory", lambda _: {"Qwen": huge})
    models, tonight, chat = ModelsPage(services), TonightPage(services), ChatPage(services)
    for page in (models, tonight, chat):
        qtbot.addWidget(page)
        page.show()
    qtbot.waitUntil(lambda: tonight.plan.base.count() == 2 and bool(chat._contents.models))
    qtbot.waitUntil(lambda: len(models.names) == 2)
    assert "too large to train here" in tonight.plan.base.itemText(1)
    assert not models._found.models[0].fits
    assert not chat._contents.models["Qwen"].fits


def test_only_one_module_lists_the_models() -> None:
    root = Path(app.__path__[0])
    listing = [path for path in root.rglob("*.py") if "list_models" in path.read_text("utf-8")]
    assert [path.relative_to(root).as_posix() for path in listing] == ["library/base_models.py"]
