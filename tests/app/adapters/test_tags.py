"""Tags are given in the detail, and adapters are found by them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.adapters.finding import found
from app.adapters.page import AdaptersPage
from app.services import Services
from mlx_backend.library import Library
from mlx_backend.library.adapters import read_adapter
from tests.app.adapters.made import add_with


@pytest.fixture
def page(services: Services, qtbot: QtBot) -> AdaptersPage:
    page = AdaptersPage(services)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    return page


def show(library: Library, page: AdaptersPage, qtbot: QtBot, number: int) -> None:
    """Show so many adapters, of which "N0" is the newest."""
    for each in range(number):
        add_with(library, f"N{each}", age_s=each * 3600, tags=("garden",) if each == 7 else ())
    page.show()
    qtbot.waitUntil(lambda: len(page.table.adapters) == number)


def tags_of(library: Library, name: str) -> tuple[str, ...]:
    return read_adapter(library.adapters, name).card.tags


def test_they_are_typed_and_can_be_undone(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    show(library, page, qtbot, 1)
    QTest.keyClicks(page.detail.tags, "work,  My garden, WORK ,")
    QTest.keyClick(page.detail.tags, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: tags_of(library, "N0") == ("work", "My garden"))
    qtbot.waitUntil(lambda: page.detail.tags.text() == "work, My garden")
    assert page.undo_bar.label.text() == "Tagged “N0” work, My garden."
    services.history.undo()
    qtbot.waitUntil(lambda: tags_of(library, "N0") == ())
    qtbot.waitUntil(lambda: page.detail.tags.text() == "")


def test_what_is_typed_is_taken_for_the_adapter_that_it_was_typed_for(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    show(library, page, qtbot, 2)
    page.activateWindow()
    page.detail.tags.setFocus()
    qtbot.waitUntil(page.detail.tags.hasFocus)
    QTest.keyClicks(page.detail.tags, "work")
    page.choose("N1")
    assert page.detail.tags.text() == ""
    qtbot.waitUntil(lambda: tags_of(library, "N0") == ("work",))
    assert tags_of(library, "N1") == ()
    assert page.detail.title.text() == "N1"


def test_they_stay_with_a_renamed_and_a_deleted_adapter(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    show(library, page, qtbot, 8)
    page.rename.renamed.emit("N7", "Beds")
    qtbot.waitUntil(lambda: page.table.row_of("Beds") >= 0)
    assert tags_of(library, "Beds") == ("garden",)
    services.deletions.delete("adapter", ["Beds"], "Beds")
    qtbot.waitUntil(lambda: page.table.row_of("Beds") < 0)
    services.history.undo()
    qtbot.waitUntil(lambda: page.table.row_of("Beds") >= 0)
    assert tags_of(library, "Beds") == ("garden",)


def test_of_many_some_are_found_by_name_and_tag(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    show(library, page, qtbot, 9)
    assert page.search.isVisible()
    QTest.keyClicks(page.search, "Gard n7")
    assert [each.name for each in page.table.adapters] == ["N7"]
    assert page.detail.title.text() == "N7"
    QTest.keyClicks(page.search, "x")
    assert page.table.adapters == []
    assert not page.detail.isVisible()
    page.choose("N3")  # what is wanted is seen, whatever was looked for
    assert page.search.text() == ""
    assert page.detail.title.text() == "N3"
    assert len(page.table.adapters) == 9


def test_few_need_no_search(library: Library, page: AdaptersPage, qtbot: QtBot) -> None:
    show(library, page, qtbot, 8)
    assert not page.search.isVisible()
    assert found(page.table.adapters, "") == list(page.table.adapters)
