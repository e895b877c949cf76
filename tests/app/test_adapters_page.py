from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.pages.adapters import AdaptersPage
from app.services import Services
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from tests.app.filled import add_adapter


@pytest.fixture
def page(services: Services, qtbot: QtBot) -> AdaptersPage:
    page = AdaptersPage(services)
    qtbot.addWidget(page)
    return page


def names(page: AdaptersPage) -> list[str]:
    return [page.table.index(row).data() for row in range(page.table.rowCount())]


def show_two(library: Library, page: AdaptersPage, qtbot: QtBot) -> None:
    add_adapter(library, "Journal")
    add_adapter(library, "Older", age_s=86_400)
    page.show()
    qtbot.waitUntil(lambda: names(page) == ["Journal", "Older"])


def test_without_adapters_the_page_leads_to_tonight(page: AdaptersPage, qtbot: QtBot) -> None:
    page.show()
    qtbot.waitUntil(page.empty.isVisible)
    with qtbot.waitSignal(page.training_wanted):
        page.empty.button.click()


def test_newest_is_shown_in_plain_words(library: Library, page: AdaptersPage, qtbot: QtBot) -> None:
    show_two(library, page, qtbot)
    assert page.detail.title.text() == "Journal"
    assert page.detail.learned.text() == "Learned from 25 notes."
    assert "50 percent less" in page.detail.result.text()
    with qtbot.waitSignal(page.chat_wanted) as wanted:
        page.detail.chat.click()
    assert wanted.args == ["Journal"]


def test_deleting_can_be_undone(library: Library, page: AdaptersPage, qtbot: QtBot) -> None:
    show_two(library, page, qtbot)
    page.detail.delete.click()
    assert names(page) == ["Older"]
    assert page.detail.title.text() == "Older"
    assert (library.adapters / "Journal").is_dir()
    page.undo_bar.button.click()
    assert names(page) == ["Journal", "Older"]
    qtbot.wait(50)
    assert (library.adapters / "Journal").is_dir()


def test_deletion_happens_when_the_offer_passes(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    page.undo_bar.settle()
    qtbot.waitUntil(lambda: not (library.adapters / "Journal").exists())
    assert names(page) == ["Older"]


def test_deletion_happens_when_the_window_closes(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.detail.delete.click()
    page.close()
    services.close()
    assert not (library.adapters / "Journal").exists()


def test_export_from_start_to_verified(
    library: Library,
    page: AdaptersPage,
    launched: list[JobFolder],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    show_two(library, page, qtbot)
    page.detail.start_export(tmp_path / "out")
    qtbot.waitUntil(page.detail.export_bar.isVisible)
    assert not page.detail.export.isEnabled()
    to = str(tmp_path / "out")
    assert launched[0].spec() == protocol.ExportSpec(name="Journal", format="mlx", to=to)
    launched[0].append(protocol.Finished(result={"verified": True}))
    qtbot.waitUntil(lambda: "answers like the original" in page.detail.export_text.text())
    assert page.detail.export_show.isVisible()
    assert page.detail.export.isEnabled()


def test_export_that_failed_says_what_to_do(
    library: Library, page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.detail.start_export(Path("/full/out"))
    qtbot.waitUntil(lambda: len(launched) == 1)
    report = protocol.ErrorReport(
        kind="disk_full", message="The disk is full.", hint="Free some space."
    )
    launched[0].append(protocol.Failed(error=report))
    expected = "The export failed. The disk is full. Free some space."
    qtbot.waitUntil(lambda: page.detail.export_text.text() == expected)


def test_damaged_adapters_are_shown_and_can_only_be_deleted(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    add_adapter(library, "Journal")
    (add_adapter(library, "Broken") / "adapters.safetensors").unlink()
    page.show()
    qtbot.waitUntil(lambda: names(page) == ["Journal", "Broken"])
    page.choose("Broken")
    assert page.detail.title.text() == "Broken"
    assert "damaged" in page.detail.result.text()
    assert not page.detail.chat.isVisible()
    assert not page.detail.export.isVisible()
    with qtbot.assertNotEmitted(page.chat_wanted):
        page.list.activated.emit(page.table.index(1))
    page.detail.delete.click()
    page.undo_bar.settle()
    qtbot.waitUntil(lambda: not (library.adapters / "Broken").exists())
    assert names(page) == ["Journal"]
    assert page.detail.chat.isVisible()
