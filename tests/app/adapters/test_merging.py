"""Several adapters that are chosen can be merged, or deleted together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.adapters.merge_panel import exact_rank, suggested_name, why_not
from app.adapters.page import AdaptersPage
from app.services import Services
from app.widgets.deletable_list import choose_rows
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter, DamagedAdapter, read_adapter
from tests.app.adapters.made import add_with, parent
from tests.app.filled import add_adapter


@pytest.fixture
def page(library: Library, services: Services, qtbot: QtBot) -> AdaptersPage:
    """The page with three adapters, the newest first."""
    for age, name in enumerate(("Amber", "Birch", "Cedar")):
        add_with(library, name, age_s=age * 3600)
    page = AdaptersPage(services)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    qtbot.waitUntil(lambda: len(page.table.adapters) == 3)
    return page


def chosen(page: AdaptersPage) -> list[str]:
    return [each.name for each in page._chosen()]


def test_two_that_are_chosen_by_keyboard_are_merged(
    library: Library, page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    page.list.setFocus()
    assert not page.merge_panel.isVisible()
    QTest.keyClick(page.list, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    panel = page.merge_panel
    assert panel.isVisible()
    assert not page.detail.isVisible()
    assert panel.title.text() == "Merge 2 Adapters"
    assert panel.name.text() == "Amber + Birch"
    first, second = panel.fields
    assert (first.value(), first.minimum(), first.maximum()) == (1.0, -2.0, 2.0)
    assert second.accessibleName() == "Weight of Birch"
    second.setLocale(QLocale.c())
    second.selectAll()
    QTest.keyClicks(second, "0.7")
    panel.name.selectAll()
    QTest.keyClicks(panel.name, " Both ")
    QTest.keyClick(panel.name, Qt.Key.Key_Return)
    assert not panel.merge.isEnabled()
    qtbot.waitUntil(lambda: "Merging into “Both”" in page.bar.text.text())
    parts = (
        protocol.WeightedAdapter(name="Amber"),
        protocol.WeightedAdapter(name="Birch", weight=0.7),
    )
    assert launched[0].spec() == protocol.MergeSpec(name="Both", parts=parts)
    add_with(library, "Both", age_s=-9)
    launched[0].append(protocol.Finished(result={"adapter": "Both", "rank": 8, "error": 0.0}))
    qtbot.waitUntil(lambda: page.detail.title.text() == "Both")
    assert chosen(page) == ["Both"]


def test_a_merging_that_failed_keeps_what_was_typed(
    page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    choose_rows(page.list, [0, 2])
    panel = page.merge_panel
    panel.fields[0].setValue(-0.5)
    QTest.keyClicks(panel.name, "!")
    assert "letters" in panel.problem.text()
    assert not panel.merge.isEnabled()
    panel.name.clear()
    QTest.keyClicks(panel.name, "Two")
    panel.merge.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    error = protocol.ErrorReport(kind="no_memory", message="Too little memory.", hint="Close some.")
    launched[0].append(protocol.Failed(error=error))
    qtbot.waitUntil(lambda: page.bar.text.text() == "Too little memory. Close some.")
    assert panel.name.text() == "Two"
    assert panel.merge.isEnabled()
    choose_rows(page.list, [0, 1])
    assert [field.value() for field in panel.fields] == [-0.5, 1.0]


def test_a_lower_rank_waits_behind_details_and_says_what_it_lost(
    library: Library, page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    choose_rows(page.list, [0, 1])
    panel = page.merge_panel
    assert not panel.rank.isVisible()
    assert panel.rank.text() == "Exact"
    panel.details.button.click()
    whole = exact_rank(page._chosen())
    assert panel.rank.maximum() == whole - 1
    panel.rank.selectAll()
    QTest.keyClicks(panel.rank, "3")
    panel.merge.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    spec = launched[0].spec()
    assert isinstance(spec, protocol.MergeSpec)
    assert (spec.name, spec.rank) == ("Amber + Birch", 3)
    parents = (parent("Amber"), parent("Birch"))
    add_with(library, spec.name, rank=3, lost=0.312, parents=parents)
    told = {"adapter": spec.name, "rank": 3, "lost": 0.312, "exact_rank": 16, "close_rank": 11}
    launched[0].append(protocol.Finished(result=told))
    qtbot.waitUntil(lambda: page.detail.title.text() == spec.name)
    assert "In rank 3, it is 31 percent away from their exact sum." in page.detail.lineage.sentences
    assert page.detail.warnings.text() == (
        "To lose at most 1 percent, merge them again with rank 11; exactly, they take rank 16."
    )
    page.detail.dismiss.click()
    assert not page.detail.warnings.isVisible()


@pytest.mark.parametrize("name", ["amber", "", "a/b", "x" * 65])
def test_names_that_will_not_do_are_told(page: AdaptersPage, name: str) -> None:
    choose_rows(page.list, [0, 1])
    page.merge_panel.name.setText(name)
    assert page.merge_panel.problem.isVisible()
    assert not page.merge_panel.merge.isEnabled()


def test_what_cannot_be_merged_is_told(library: Library) -> None:
    plain = add_with(library, "Plain")
    dora = add_with(library, "Dora", decomposed=True)
    add_adapter(library, "Large", base="Large 8B")
    large = read_adapter(library.adapters, "Large")
    damaged = DamagedAdapter("Broken", library.adapters / "Broken", 0)
    other = add_with(library, "Other")

    def told(*of: Adapter | DamagedAdapter, weights: Sequence[float] = (1.0, 1.0)) -> str:
        return why_not(of, weights)

    assert told(plain, other) == ""
    assert told(plain, other, weights=(0.0, -0.1)) == ""
    assert "“Dora” is of the kind DoRA" in told(plain, dora)
    assert "different base models" in told(plain, large)
    assert "“Broken” is damaged" in told(plain, damaged)
    assert "weight" in told(plain, other, weights=(0.0, 0.0))


def test_a_suggested_name_is_free_and_short_enough() -> None:
    assert suggested_name(["A", "B"], ["a + b", "A + B 2"]) == "A + B 3"
    assert len(suggested_name(["x" * 60, "y" * 60], [])) == 64


def test_several_are_deleted_together_and_come_back_together(
    page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    choose_rows(page.list, [0, 1])
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: [each.name for each in page.table.adapters] == ["Cedar"])
    assert page.undo_bar.label.text().startswith("Deleted 2 adapters.")
    assert page.detail.title.text() == "Cedar"
    services.history.undo()
    qtbot.waitUntil(lambda: len(page.table.adapters) == 3)


def test_several_stay_chosen_when_the_list_is_read_again(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    choose_rows(page.list, [0, 2])
    add_with(library, "Newer", age_s=-60)
    page.refresh()
    qtbot.waitUntil(lambda: len(page.table.adapters) == 4)
    assert chosen(page) == ["Amber", "Cedar"]
