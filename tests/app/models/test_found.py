"""Models of other programs on this computer, and folders that are dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.models.dropped import Dropped, look_at_dropped
from app.models.found_list import Finder
from app.models.offers import Offer
from app.models.on_this_computer import found_offers
from app.models.page import ModelsPage
from app.services import Services
from app.shell.window import Window
from mlx_backend import protocol
from mlx_backend.catalogue.found import found_on_this_machine
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from tests.app.filled import add_model
from tests.app.models.conftest import MAC, a_model, specs
from tests.app.shell.test_window import drop

GOOD = Offer("/models/good", "good", "LM Studio · 2.3 GB", "Fits: trains.")
BAD = Offer("/models/bad", "bad", "Hugging Face · 1 GB", "", missed="It has no tokenizer.")


@pytest.fixture
def found(page: ModelsPage) -> ModelsPage:
    page._show_on_computer([GOOD, BAD])
    return page


def test_what_was_found_is_added_with_one_button(
    found: ModelsPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    row = found.on_computer.row_of(Path("/models/good"))
    assert "LM Studio" in row.facts.text()
    assert row.get.accessibleName() == "Add good"
    row.get.click()
    qtbot.waitUntil(lambda: row.state.text() == "On the way")
    assert specs(launched) == [protocol.AdoptSpec(path="/models/good")]


def test_a_double_click_on_add_begins_one_job(
    found: ModelsPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    add = found.on_computer.row_of(Path("/models/good")).get
    add.click()
    add.click()
    qtbot.waitUntil(lambda: bool(found.under_way.rows))
    qtbot.wait(50)
    assert specs(launched) == [protocol.AdoptSpec(path="/models/good")]


def test_what_cannot_be_added_is_shown_with_its_reason_to_those_who_ask(
    found: ModelsPage,
) -> None:
    row = found.on_computer.row_of(Path("/models/bad"))
    assert not row.isVisible()
    assert found.on_computer.more.text() == "Show 1 That Cannot Be Added"
    found.on_computer.more.click()
    assert row.isVisible()
    assert row.missed.text() == "It has no tokenizer."
    assert not row.get.isVisible()


def test_without_any_there_is_no_list(found: ModelsPage) -> None:
    found._show_on_computer([])
    assert not found.on_computer.isVisible()
    assert not found._on_computer_heading.isVisible()


def test_a_folder_of_another_program_is_found(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_model(tmp_path / "home/.lmstudio/models/someone/Tiny-1B")
    (folder / "tokenizer.json").write_text("{}")
    monkeypatch.setattr(
        "app.models.on_this_computer.found_on_this_machine",
        lambda models, machine: found_on_this_machine(models, tmp_path / "home", {}, MAC),
    )
    (offer,) = found_offers(library)
    assert offer.key == str(folder)
    assert offer.title == "someone/Tiny-1B"
    assert offer.facts.startswith("LM Studio · ")
    assert offer.fit.startswith("Fits: ")
    assert offer.missed == ""


def test_what_was_put_into_the_library_by_hand_is_found(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_model(library.models / "Tiny-1B")
    (folder / "tokenizer.json").write_text("{}")
    a_model(library.models / "Half")  # without a tokenizer
    add_model(library, "Adopted", 1_000_000)
    (library.models / "a file").write_text("no model")
    monkeypatch.setattr("app.models.on_this_computer.found_on_this_machine", lambda *_, **__: [])
    good, bad = found_offers(library)
    assert good.key == str(folder)
    assert good.facts.startswith("In Overnight's folder of models · ")
    assert good.missed == ""
    assert bad.title == "Half"
    assert bad.missed == "It has no tokenizer."


def test_a_slow_disk_does_not_hold_the_window_up(qtbot: QtBot) -> None:
    threads: list[int] = []

    def look() -> list[Offer]:
        threads.append(threading.get_ident())
        time.sleep(0.3)
        return [GOOD]

    finder = Finder(look)
    ticks: list[float] = []
    timer = QTimer(interval=10)
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start()
    with qtbot.waitSignal(finder.found) as found:
        finder.look()
        finder.look()  # one look at a time
    assert found.args == [[GOOD]]
    assert threads != [threading.get_ident()]
    assert len(threads) == 1
    assert len(ticks) > 5


def test_a_look_that_fails_finds_nothing(qtbot: QtBot) -> None:
    finder = Finder(lambda: [1 / 0])
    with qtbot.waitSignal(finder.found) as found:
        finder.look()
    assert found.args == [[]]


def test_a_models_folder_dropped_on_the_page_is_adopted(
    window: Window, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    folder = a_model(tmp_path / "Tiny-1B")
    window.show_page("models")
    drop(window.windowHandle(), [folder])
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert specs(launched) == [protocol.AdoptSpec(path=str(folder))]
    assert window.page_shown == "models"


def test_a_folder_dropped_twice_is_adopted_once(
    window: Window, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    folder = a_model(tmp_path / "Tiny-1B")
    window.show_page("models")
    page = window.page("models")
    assert isinstance(page, ModelsPage)
    drop(window.windowHandle(), [folder, folder])
    qtbot.waitUntil(lambda: bool(page.under_way.rows))
    assert len(launched) == 1


@pytest.mark.parametrize("kind", ["folder", "file", "gone"])
def test_what_is_no_model_is_not_taken_for_notes_on_the_page(
    window: Window, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path, kind: str
) -> None:
    dropped = tmp_path / kind
    if kind == "folder":
        dropped.mkdir()
        (dropped / "diary.md").write_text("Rain.")
    elif kind == "file":
        dropped.write_text("Rain.")
    window.show_page("models")
    drop(window.windowHandle(), [dropped])
    qtbot.waitUntil(window.notices.isVisible)
    told = window.notices.label.text()
    assert told.startswith(f"“{kind}” is no folder of a model.")
    assert "on the page Notes" in told
    assert window.page_shown == "models"
    assert launched == []


def test_models_among_other_things_are_adopted(
    window: Window, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    folder = a_model(tmp_path / "Tiny-1B")
    window.show_page("models")
    drop(window.windowHandle(), [tmp_path / "a.md", folder, tmp_path / "b.md"])
    qtbot.waitUntil(lambda: len(launched) == 1 and window.notices.isVisible())
    assert specs(launched) == [protocol.AdoptSpec(path=str(folder))]
    assert "“a.md” and 1 more are no folders of a model" in window.notices.label.text()


def test_what_is_dropped_is_looked_at_off_the_windows_thread(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def look(paths: Sequence[Path]) -> list[Dropped]:
        threads.append(threading.get_ident())
        return look_at_dropped(paths)

    monkeypatch.setattr("app.models.page.look_at_dropped", look)
    window.show_page("models")
    drop(window.windowHandle(), [tmp_path])
    qtbot.waitUntil(window.notices.isVisible)
    assert threads
    assert threads != [threading.get_ident()]


def test_every_control_is_reached_by_the_tab_key(
    found: ModelsPage, services: Services, qtbot: QtBot
) -> None:
    found.activateWindow()
    wanted = [
        next(iter(found.catalogue.rows.values())).get,
        found.catalogue.more,
        found.hub.line.field,
        found.hub.details.button,
        found.on_computer.row_of(Path("/models/good")).get,
    ]
    reached = []
    found.choices.buttons()[0].setFocus()
    for _ in range(40):
        widget = QApplication.focusWidget()
        if widget is not None and widget not in reached:
            reached.append(widget)
        QTest.keyClick(found if widget is None else widget, Qt.Key.Key_Tab)
    assert [each for each in reached if each in wanted] == wanted
