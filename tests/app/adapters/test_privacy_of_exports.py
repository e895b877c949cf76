"""What the privacy page has to do with exports in the window."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.adapters.page import AdaptersPage
from app.services import Services
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter, read_adapter
from tests.app.adapters.sharing import CLEAR, FOUND, PAGE_ID, held_back, record
from tests.app.filled import add_adapter


@pytest.fixture
def adapter(library: Library) -> Adapter:
    add_adapter(library, "Journal")
    return read_adapter(library.adapters, "Journal")


@pytest.fixture
def page(services: Services, adapter: Adapter, qtbot: QtBot) -> AdaptersPage:
    page = AdaptersPage(services)
    qtbot.addWidget(page)
    page.resize(900, 800)
    page.show()
    qtbot.waitUntil(lambda: page.detail.title.text() == adapter.name)
    return page


def end(folder: JobFolder, event: protocol.JobEvent) -> None:
    folder.append(event)
    (folder.path / "lock").touch()  # as a process leaves it


@pytest.mark.parametrize(
    ("privacy", "told"),
    [
        (msgspec.to_builtins(CLEAR) | {"is_clear": True}, " Nothing private was found in it."),
        (msgspec.to_builtins(FOUND), " Something private was found in it."),
        (None, ""),
        ({"adapter": 3}, ""),
    ],
)
def test_an_export_tells_what_was_found_in_it(
    library: Library,
    page: AdaptersPage,
    adapter: Adapter,
    qtbot: QtBot,
    privacy: object,
    told: str,
) -> None:
    spec = protocol.ExportSpec(name=adapter.name, adapter=adapter.card.id, format="mlx", to="/out")
    result = {"verified": True} | ({} if privacy is None else {"privacy": privacy})
    end(record(library, spec), protocol.Finished(result=result))
    said = f"Exported. Verified: the export answers like the original.{told}"
    qtbot.waitUntil(lambda: page.detail.exporting.text.text() == said)
    assert page.detail.exporting.privacy.isVisible() is bool(told)
    if told:
        page.detail.exporting.privacy.setFocus()
        page.detail.exporting.privacy.click()
        assert page.sharing.shows_privacy
        assert page.sharing.privacy.publish.isHidden()
        QTest.keyClick(page.sharing.privacy.back, Qt.Key.Key_Escape)
        assert page.detail.exporting.privacy.hasFocus()


def test_what_is_held_back_is_exported_only_anyway(
    library: Library, page: AdaptersPage, adapter: Adapter, qtbot: QtBot
) -> None:
    spec = protocol.ExportSpec(
        name=adapter.name, adapter=adapter.card.id, format="bundle", to="/out/Journal.overnight"
    )
    first = record(library, spec)
    end(first, held_back())
    said = "Not exported yet, because of what its privacy page says."
    qtbot.waitUntil(lambda: page.detail.exporting.text.text() == said)
    assert page.detail.exporting.file.isHidden()
    assert page.detail.exporting.show_folder.isHidden()
    page.detail.exporting.privacy.click()
    assert page.sharing.shows_privacy
    assert page.sharing.privacy.publish.text() == "Export Anyway"
    page.sharing.privacy.publish.click()
    assert not page.sharing.shows_privacy

    def begun() -> list[protocol.JobSpec]:
        others = (job for job in JobFolder.all(library.jobs) if job.id != first.id)
        return [job.spec() for job in others]

    qtbot.waitUntil(lambda: len(begun()) == 1)
    assert begun() == [msgspec.structs.replace(spec, despite_pages=(PAGE_ID,))]
