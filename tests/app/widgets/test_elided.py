from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.adapters.adapter_list_model import AdapterListModel
from app.chat.answerer_choice import AnswererChoice
from app.shell.window import Window
from app.widgets.elided import Elided, NameMenu
from mlx_backend import protocol
from mlx_backend.library import Library
from mlx_backend.library.adapters import list_adapters
from tests.app.filled import add_adapter
from tests.app.recorded import RunMaker

LONG = "Müller und die <b>lange</b> Nacht im Hafen von Amber Cove, Teil"
NAME = "Müller und die lange Nacht im Hafen von Amber Cove, Teil zwei"


def test_a_long_text_is_shortened_in_its_middle_and_whole_in_its_tooltip(qtbot: QtBot) -> None:
    made = Elided(LONG)
    qtbot.addWidget(made)
    made.resize(160, 20)
    made.show()
    assert made.text() == LONG
    assert made.accessibleName() == LONG
    assert made.shown.startswith("Mü")
    assert made.shown.endswith("Teil")
    assert "…" in made.shown
    assert "&lt;b&gt;lange" in made.toolTip()
    made.resize(2000, 20)
    assert made.shown == LONG
    assert made.toolTip() == ""


@pytest.mark.parametrize("name", ["x" * 64, "W" * 64, "日" * 64])
def test_a_long_name_makes_no_window_wider(
    window: Window, make_run: RunMaker, qtbot: QtBot, name: str
) -> None:
    before = window.minimumSizeHint().width()
    error = protocol.ErrorReport(kind="crashed", message="It crashed.", hint="")
    make_run(name, last=(protocol.Failed(error=error),))
    qtbot.waitUntil(lambda: name in window.strip.what.text())
    assert window.strip.what.width() < window.strip.width()
    assert window.minimumSizeHint().width() <= max(before, window.minimumWidth())


def test_a_menu_of_names_keeps_its_width_and_tells_them_whole(qtbot: QtBot) -> None:
    menu = NameMenu()
    qtbot.addWidget(menu)
    menu.show_names([LONG, "Notes"])
    menu.setMaximumWidth(120)
    menu.show()
    assert "&lt;b&gt;lange" in menu.toolTip()
    assert menu.itemData(1, Qt.ItemDataRole.ToolTipRole) == "Notes"
    assert not menu.grab().isNull()


def test_a_menu_is_as_wide_as_its_longest_name(window: Window, qtbot: QtBot) -> None:
    choice = AnswererChoice()
    qtbot.addWidget(choice)
    choice.menu.show_names(["Notes 23 November", "Base model"])
    choice.resize(800, 40)
    choice.show()
    assert choice.menu.shown == "Notes 23 November"


def test_the_list_of_adapters_tells_a_name_whole(library: Library, qtbot: QtBot) -> None:
    add_adapter(library, NAME)
    table = AdapterListModel()
    table.show(list_adapters(library.adapters))
    assert NAME in str(table.index(0).data(Qt.ItemDataRole.ToolTipRole))


def test_who_answers_is_chosen_by_the_whole_name(library: Library, qtbot: QtBot) -> None:
    add_adapter(library, NAME)
    choice = AnswererChoice()
    qtbot.addWidget(choice)
    choice.show_adapters([a.card for a in list_adapters(library.adapters)], "starter")
    assert choice.choose(NAME)
    assert choice.chosen.adapter == NAME
