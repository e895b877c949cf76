"""With real processes: an adapter goes out of the window as one file, and comes in again."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from pytestqt.qtbot import QtBot

from app.adapters.page import AdaptersPage
from app.shell.window import Window
from app.widgets.deletable_list import choose_rows
from mlx_backend.library import Library
from mlx_backend.library.adapters import read_adapter
from mlx_backend.machine.cores import FIXED_CORES
from tests.app.adapters.tiny_adapters import write_tiny_adapters
from tests.app.shell.test_window import drop

_PATIENCE_MS = 120_000


@pytest.fixture
def page(
    library: Library, window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> AdaptersPage:
    monkeypatch.setenv(FIXED_CORES, "1")  # other tests have the rest
    write_tiny_adapters(library.home)
    window.show_page("adapters")
    page = cast(AdaptersPage, window.page("adapters"))
    page.choose("Garden")
    qtbot.waitUntil(lambda: page.detail.title.text() == "Garden")
    return page


def test_out_as_a_file_and_in_again(
    library: Library, window: Window, page: AdaptersPage, qtbot: QtBot, tmp_path: Path
) -> None:
    page.detail.start_export(tmp_path / "Garden.overnight", "bundle")
    qtbot.waitUntil(page.detail.exporting.file.isVisible, timeout=_PATIENCE_MS)
    (url,) = page.detail.exporting.file.data().urls()
    window.show_page("notes")
    for name in ("Garden 2", "Garden 3"):  # the same file twice makes two
        drop(window.windowHandle(), [Path(url.toLocalFile())])
        qtbot.waitUntil(
            lambda name=name: page.detail.title.text() == name,  # type: ignore[misc]
            timeout=_PATIENCE_MS,
        )
        assert page.detail.lineage.sentences[0].endswith("from Garden.overnight, not signed.")
        assert "not signed" in page.detail.warnings.text()
    assert window.page_shown == "adapters"
    cards = [read_adapter(library.adapters, name).card for name in ("Garden", "Garden 2")]
    assert cards[0].rank == cards[1].rank
    assert cards[0].base == cards[1].base


def test_two_become_one(page: AdaptersPage, qtbot: QtBot) -> None:
    choose_rows(page.list, [page.table.row_of(name) for name in ("Garden", "Harbour")])
    page.merge_panel.fields[0].setValue(0.7)
    page.merge_panel.merge.click()
    wanted = "Harbour + Garden"  # in the order of the list
    qtbot.waitUntil(lambda: page.detail.title.text() == wanted, timeout=_PATIENCE_MS)
    said = ("Merged from “Harbour” (0.7) and “Garden” (1).",)
    assert page.detail.lineage.sentences == said
    page.choose("Harbour")
    assert page.detail.lineage.sentences == (f"Later “{wanted}” was merged from it and others.",)
