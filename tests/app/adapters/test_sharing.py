"""Adapters go out of the window as files, and come in again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QDir, QPoint, Qt, QUrl
from PySide6.QtGui import QDrag, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from app.adapters.export_choices import EXPORT_CHOICES, ExportChoice
from app.adapters.page import AdaptersPage
from app.services import Services
from app.shell.window import Window
from app.widgets.undo_bar import UndoBar
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import Origin
from tests.app.adapters.made import add_with, parent
from tests.app.filled import add_adapter
from tests.app.recorded import record_job
from tests.app.shell.test_window import drop


@pytest.fixture
def page(services: Services, qtbot: QtBot) -> AdaptersPage:
    page = AdaptersPage(services)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    return page


def names(page: AdaptersPage) -> list[str]:
    return [each.name for each in page.table.adapters]


def open_menu(page: AdaptersPage) -> QMenu:
    page.detail.export.setFocus()
    QTest.keyClick(page.detail.export, Qt.Key.Key_Space)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def test_the_menu_says_what_exports_are_for(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    add_adapter(library, "Journal")
    page.refresh()
    qtbot.waitUntil(page.detail.export.isVisible)
    menu = open_menu(page)
    said = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert said == [choice.text for choice in EXPORT_CHOICES]
    assert {choice.form for choice in EXPORT_CHOICES} == {"bundle", "mlx", "peft", "gguf", "fused"}
    menu.close()


@pytest.mark.parametrize("choice", EXPORT_CHOICES)
def test_each_use_asks_where_and_starts_its_export(
    library: Library,
    page: AdaptersPage,
    launched: list[JobFolder],
    qtbot: QtBot,
    tmp_path: Path,
    choice: ExportChoice,
) -> None:
    add_with(library, "Journal")
    page.refresh()
    qtbot.waitUntil(page.detail.export.isVisible)
    menu = open_menu(page)
    next(action for action in menu.actions() if action.text() == choice.text).trigger()
    menu.close()
    dialog = page.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    assert dialog.testOption(QFileDialog.Option.DontConfirmOverwrite)
    assert dialog.defaultSuffix() == ("overnight" if choice.is_file else "")
    assert Path(dialog.selectedFiles()[0]).name.startswith("Journal")
    dialog.fileSelected.emit(str(tmp_path / "out 1.2"))
    qtbot.waitUntil(lambda: len(launched) == 1)
    to = str(tmp_path / ("out 1.2.overnight" if choice.is_file else "out 1.2"))
    spec = protocol.ExportSpec(name="Journal", adapter="Journal id", format=choice.form, to=to)
    assert launched[0].spec() == spec


def show_bundle(library: Library, page: AdaptersPage, qtbot: QtBot, to: Path) -> None:
    """The page shows an adapter that was exported as one file."""
    add_with(library, "Journal", age_s=99)
    spec = protocol.ExportSpec(name="Journal", adapter="Journal id", format="bundle", to=str(to))
    finished = protocol.Finished(result={"verified": True})
    record_job(library.jobs, spec, (protocol.Launched(), finished))
    page.refresh()
    qtbot.waitUntil(page.detail.exporting.file.isVisible)


def test_the_file_for_a_friend_is_dragged_out_of_the_window(
    library: Library,
    page: AdaptersPage,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle = tmp_path / "Jürgen & Ana.overnight"
    show_bundle(library, page, qtbot, bundle)
    handle = page.detail.exporting.file
    assert "Drag this file" in handle.toolTip()
    dragged: list[tuple[list[QUrl], Qt.DropAction]] = []

    def exec_(drag: QDrag, action: Qt.DropAction) -> Qt.DropAction:
        dragged.append((drag.mimeData().urls(), action))
        return action

    monkeypatch.setattr(QDrag, "exec", exec_)
    with qtbot.assertNotEmitted(handle.clicked):
        QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=QPoint(9, 9))
        QTest.mouseMove(handle, QPoint(10, 9))
        QApplication.processEvents()
        assert dragged == []
        for x in (40, 60):
            QTest.mouseMove(handle, QPoint(x, 9))
            QApplication.processEvents()
        QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=QPoint(60, 9))
    assert dragged == [([QUrl.fromLocalFile(str(bundle))], Qt.DropAction.CopyAction)]


def test_without_a_mouse_the_file_is_copied(
    library: Library, page: AdaptersPage, qtbot: QtBot, tmp_path: Path
) -> None:
    show_bundle(library, page, qtbot, tmp_path / "a.overnight")
    handle = page.detail.exporting.file
    assert handle.accessibleName() == "Copy the file a.overnight"
    QTest.keyClick(handle, Qt.Key.Key_Space)
    urls = QGuiApplication.clipboard().mimeData().urls()
    assert urls == [QUrl.fromLocalFile(str(tmp_path / "a.overnight"))]


def a_bundle(folder: Path) -> Path:
    path = folder / "garden.overnight"
    path.write_bytes(b"bundle")
    return path


@pytest.mark.parametrize("key", ["notes", "adapters", "models", "chat"])
def test_a_bundle_dropped_on_any_page_is_received(
    stand_ins: None,
    window: Window,
    launched: list[JobFolder],
    qtbot: QtBot,
    tmp_path: Path,
    key: str,
) -> None:
    bundle = a_bundle(tmp_path)
    window.show_page(key)
    drop(window.windowHandle(), [bundle])
    qtbot.waitUntil(lambda: "Receiving" in window.strip.what.text())
    assert launched[0].spec() == protocol.ReceiveSpec(source=str(bundle), name="garden")
    assert window.page_shown == "adapters"


def test_notes_that_are_dropped_with_an_adapter_are_imported(
    window: Window, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    note = tmp_path / "a.md"
    note.write_text("Rain.")
    drop(window.windowHandle(), [a_bundle(tmp_path), note])
    qtbot.waitUntil(lambda: len(launched) == 2)
    qtbot.waitUntil(lambda: len(window._services.watcher.active()) == 2)
    specs = {type(folder.spec()): folder.spec() for folder in launched}
    assert specs[protocol.ImportSpec] == protocol.ImportSpec(paths=(str(note),))
    assert protocol.ReceiveSpec in specs


def test_one_is_chosen_in_a_dialog(
    page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    qtbot.waitUntil(page.ways_in.add_first.isVisible)  # also where there is no adapter yet
    page.ways_in.add_first.click()
    dialog = page.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    assert dialog.directory() != QDir.current()
    bundle = a_bundle(tmp_path)
    (tmp_path / "cat.png").write_bytes(b"")
    with qtbot.waitSignal(page.refused) as refused:
        dialog.filesSelected.emit([str(bundle), str(tmp_path / "cat.png")])
    assert "“cat.png” is no adapter." in refused.args[0].message
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert launched[0].spec() == protocol.ReceiveSpec(source=str(bundle), name="garden")


def test_what_was_received_is_chosen_and_its_warnings_are_shown_once(
    library: Library, page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    add_adapter(library, "Journal")
    page.ways_in.look_at([a_bundle(tmp_path)])
    qtbot.waitUntil(lambda: "Receiving “garden.overnight”" in page.bar.text.text())
    assert page.bar.cancel.isVisible()
    origin = Origin(received=time.time(), form="bundle", place="garden.overnight")
    add_with(library, "garden", age_s=999, origin=origin, notes=0, valid_loss=None)
    said: dict[str, object] = {"adapter": "garden", "warnings": ["<b>It</b> is not signed."]}
    launched[0].append(protocol.Finished(result=said))
    qtbot.waitUntil(lambda: page.detail.title.text() == "garden")
    assert not page.bar.isVisible()
    assert page.detail.warnings.text() == "<b>It</b> is not signed."
    assert page.detail.warnings.textFormat() == Qt.TextFormat.PlainText
    assert page.detail.learned.text() == "Somebody else made it."
    assert any("not signed" in each for each in page.detail.lineage.sentences)
    page.detail.dismiss.click()
    assert not page.detail.warnings.isVisible()
    page.choose("Journal")
    page.choose("garden")
    assert not page.detail.warnings.isVisible()


def test_one_that_cannot_be_received_says_why(
    page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    page.ways_in.look_at([a_bundle(tmp_path)])
    qtbot.waitUntil(lambda: len(launched) == 1)
    error = protocol.ErrorReport(
        kind="bad_input", message="It is damaged.", hint="Ask for another."
    )
    launched[0].append(protocol.Failed(error=error))
    qtbot.waitUntil(lambda: page.bar.text.text() == "It is damaged. Ask for another.")
    assert not page.bar.cancel.isVisible()
    page.bar.close_button.click()
    assert not page.bar.isVisible()


def test_its_lineage_leads_to_the_others(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    add_with(library, "First", age_s=99)
    add_with(library, "Second", parents=(parent("First"),))
    page.refresh()
    qtbot.waitUntil(lambda: page.detail.lineage.sentences == ("Went on from “First”.",))
    page.detail.lineage.link_to("First").click()
    assert page.detail.title.text() == "First"
    assert page.detail.lineage.sentences == ("Later “Second” went on from it.",)
    assert not page.detail.lineage.use_again.isVisible()
    page.detail.lineage.link_to("Second").click()
    assert page.detail.title.text() == "Second"


def test_the_one_before_is_used_again_and_that_can_be_undone(
    stand_ins: None, library: Library, window: Window, services: Services, qtbot: QtBot
) -> None:
    add_with(library, "First", age_s=99)
    add_with(library, "Second", parents=(parent("First"),))
    window.show_page("adapters")
    page = window.page("adapters")
    assert isinstance(page, AdaptersPage)
    qtbot.waitUntil(page.detail.lineage.use_again.isVisible)
    chat = window.page("chat")
    qtbot.waitUntil(lambda: chat.answerer.chosen.adapter == "Second")  # type: ignore[attr-defined]
    page.detail.lineage.use_again.click()
    qtbot.waitUntil(lambda: chat.answerer.chosen.adapter == "First")  # type: ignore[attr-defined]
    assert window.page_shown == "adapters"
    bar: UndoBar = page.undo_bar
    qtbot.waitUntil(bar.button.isVisible)
    assert bar.label.text() == "The chat asks “First” again."
    services.history.undo()
    qtbot.waitUntil(lambda: chat.answerer.chosen.adapter == "Second")  # type: ignore[attr-defined]
