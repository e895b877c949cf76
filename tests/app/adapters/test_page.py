from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.adapters.page import AdaptersPage
from app.services import Services
from app.shell.window import Window
from app.widgets.deletable_list import choose_row
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import read_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.library.database import opened
from tests.app.filled import add_adapter, add_model


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


def show_many(library: Library, page: AdaptersPage, qtbot: QtBot) -> None:
    for age, name in enumerate("ABCD"):
        add_adapter(library, name, age_s=age * 86_400)
    page.show()
    qtbot.waitUntil(lambda: names(page) == ["A", "B", "C", "D"])


def test_without_adapters_the_page_leads_to_tonight(page: AdaptersPage, qtbot: QtBot) -> None:
    page.show()
    qtbot.waitUntil(page.empty.isVisible)
    with qtbot.waitSignal(page.training_wanted):
        page.empty.button.click()


def test_what_can_be_done_with_one_stands_in_one_line(
    library: Library, window: Window, qtbot: QtBot
) -> None:
    add_adapter(library, "Journal")
    window.resize(1120, 720)
    window.show_page("adapters")
    page = window.page("adapters")
    assert isinstance(page, AdaptersPage)
    detail = page.detail
    qtbot.waitUntil(lambda: detail.title.text() == "Journal")
    detail.publish.setText("Publish Again…")
    qtbot.wait(20)
    line = detail.chat.parentWidget()
    assert line is not None
    actions = [each for each in line.children() if isinstance(each, QWidget)]
    assert detail.publish in actions
    assert {each.y() for each in actions} == {detail.chat.y()}


def test_newest_is_shown_in_plain_words(library: Library, page: AdaptersPage, qtbot: QtBot) -> None:
    show_two(library, page, qtbot)
    assert page.detail.title.text() == "Journal"
    assert page.detail.learned.text() == "Learned from 25 notes."
    assert "closer than before" in page.detail.result.text()
    with qtbot.waitSignal(page.chat_wanted) as wanted:
        page.detail.chat.click()
    assert wanted.args == ["Journal"]


def test_the_training_loss_is_not_put_on_the_scale_of_the_held_out_loss(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    told = [label.text() for label in page.detail.details.findChildren(QLabel)]
    assert told[told.index("Training loss") + 1] == "0.41 (on a scale of its own)"


def binned(library: Library) -> list[str]:
    with opened(library.database) as db:
        return [item.name for item in Bin(library, db).items()]


def test_deleting_moves_to_the_bin_and_can_be_undone(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.detail.delete.click()
    qtbot.waitUntil(lambda: names(page) == ["Older"])
    assert page.detail.title.text() == "Older"
    assert binned(library) == ["Journal"]
    assert page.undo_bar.label.text() == "Deleted “Journal”. The bin keeps it for 30 days."
    page.undo_bar.button.click()
    qtbot.waitUntil(lambda: names(page) == ["Journal", "Older"])
    assert page.detail.title.text() == "Journal"
    assert binned(library) == []


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace])
def test_two_presses_delete_two_neighbours_each_with_its_own_undo(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot, key: Qt.Key
) -> None:
    show_many(library, page, qtbot)
    choose_row(page.list, 1)
    page.list.setFocus()
    QTest.keyClick(page.list, key)
    QTest.keyClick(page.list, key)
    qtbot.waitUntil(lambda: names(page) == ["A", "D"])
    assert page.detail.title.text() == "D"
    services.history.undo()
    qtbot.waitUntil(lambda: names(page) == ["A", "C", "D"])
    assert page.detail.title.text() == "C"
    services.history.undo()
    qtbot.waitUntil(lambda: names(page) == ["A", "B", "C", "D"])
    services.history.redo()
    services.history.redo()
    qtbot.waitUntil(lambda: names(page) == ["A", "D"])
    assert set(binned(library)) == {"B", "C"}


def test_a_key_that_is_held_deletes_one(library: Library, page: AdaptersPage, qtbot: QtBot) -> None:
    show_many(library, page, qtbot)
    page.list.setFocus()
    QTest.keyPress(page.list, Qt.Key.Key_Delete)
    for is_marked in (True, False) * 20:  # some remote screens do not mark what repeats
        press = QKeyEvent(
            QEvent.Type.KeyPress,
            Qt.Key.Key_Delete,
            Qt.KeyboardModifier.NoModifier,
            "",
            is_marked,
        )
        QCoreApplication.sendEvent(page.list, press)
        qtbot.wait(1)
    QTest.keyRelease(page.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: names(page) == ["B", "C", "D"])
    qtbot.wait(20)
    assert names(page) == ["B", "C", "D"]


def test_a_repeat_that_looks_like_a_finger_deletes_nothing(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    """As X repeats: let go and pressed in the same millisecond, with nothing that marks it."""

    def send(kind: QEvent.Type, at: int) -> None:
        event = QKeyEvent(kind, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier)
        event.setTimestamp(at)
        QCoreApplication.sendEvent(page.list, event)

    show_many(library, page, qtbot)
    page.list.setFocus()
    send(QEvent.Type.KeyPress, 1_000)
    for at in range(1_600, 3_000, 40):
        send(QEvent.Type.KeyRelease, at)
        send(QEvent.Type.KeyPress, at)
    send(QEvent.Type.KeyRelease, 3_000)
    qtbot.waitUntil(lambda: names(page) == ["B", "C", "D"])
    send(QEvent.Type.KeyPress, 3_200)  # meant
    send(QEvent.Type.KeyRelease, 3_250)
    qtbot.waitUntil(lambda: names(page) == ["C", "D"])


def test_a_button_that_is_held_deletes_one(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    show_many(library, page, qtbot)
    page.detail.delete.setFocus()
    for at in range(1_000, 3_000, 40):
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            event = QKeyEvent(kind, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier)
            event.setTimestamp(at + (40 if kind == QEvent.Type.KeyRelease else 0))
            QCoreApplication.sendEvent(page.detail.delete, event)
    qtbot.waitUntil(lambda: names(page) == ["B", "C", "D"])


def test_keys_are_heard_by_the_focused_list_alone(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.detail.chat.setFocus()
    QTest.keyClick(page.detail.chat, Qt.Key.Key_Delete)
    QTest.keyClick(page, Qt.Key.Key_Backspace)
    page.list.setFocus()
    page.list.selectionModel().clear()
    QTest.keyClick(page.list, Qt.Key.Key_Delete)  # nothing is chosen
    QTest.keyClick(page.list, Qt.Key.Key_Delete, Qt.KeyboardModifier.ShiftModifier)
    qtbot.wait(20)
    assert names(page) == ["Journal", "Older"]
    assert binned(library) == []


def test_a_new_adapter_with_the_name_of_a_deleted_one_is_listed(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.detail.delete.click()
    qtbot.waitUntil(lambda: names(page) == ["Older"])
    add_adapter(library, "Journal", age_s=3600)
    page.refresh()
    qtbot.waitUntil(lambda: names(page) == ["Journal", "Older"])
    services.history.undo()
    qtbot.waitUntil(lambda: names(page) == ["Journal 2", "Journal", "Older"])
    assert page.detail.title.text() == "Journal 2"
    assert "is “Journal 2” now" in page.undo_bar.label.text()
    services.history.redo()
    qtbot.waitUntil(lambda: names(page) == ["Journal", "Older"])


def test_an_undo_that_cannot_be_says_so_and_goes(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.detail.delete.click()
    qtbot.waitUntil(lambda: names(page) == ["Older"])
    with opened(library.database) as db:
        Bin(library, db).empty()
    services.history.undo()
    sentence = "“Journal” could not come back: no longer in the bin."
    qtbot.waitUntil(lambda: page.undo_bar.label.text() == sentence)
    assert not page.undo_bar.button.isVisible()
    assert (services.history.undo_name, services.history.redo_name) == (None, None)


def test_a_redo_leaves_another_adapter_of_the_name_alone(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.detail.delete.click()
    qtbot.waitUntil(lambda: names(page) == ["Older"])
    services.history.undo()
    qtbot.waitUntil(lambda: names(page) == ["Journal", "Older"])
    shutil.rmtree(library.adapters / "Journal")
    add_adapter(library, "Journal", age_s=5)
    services.history.redo()
    qtbot.waitUntil(lambda: "a different adapter" in page.undo_bar.label.text())
    assert (library.adapters / "Journal").is_dir()


def test_what_was_deleted_stays_deleted_when_the_window_closes(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.detail.delete.click()
    page.close()
    services.close()
    assert not (library.adapters / "Journal").exists()
    assert binned(library) == ["Journal"]


def test_renaming_in_place(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_F2)
    field = page.rename.field
    assert field.text() == field.selectedText() == "Journal"
    for name, problem in (("older", "called “Older” already"), ("a/b", "letters"), (" ", "needs")):
        field.selectAll()
        QTest.keyClicks(field, name)
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert problem in page.rename.problem.text()
        assert field.isVisible()
    field.selectAll()
    QTest.keyClicks(field, "Diary")
    assert not page.rename.problem.isVisible()
    with qtbot.waitSignal(page.renamed) as renamed:
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert renamed.args == ["Journal", "Diary"]
    qtbot.waitUntil(lambda: names(page) == ["Diary", "Older"])
    assert page.detail.title.text() == "Diary"
    assert page.list.hasFocus()
    services.history.undo()
    qtbot.waitUntil(lambda: names(page) == ["Journal", "Older"])


def test_escape_and_leaving_keep_the_old_name(
    library: Library, page: AdaptersPage, qtbot: QtBot
) -> None:
    show_two(library, page, qtbot)
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_F2)
    QTest.keyClicks(page.rename.field, "Diary")
    QTest.keyClick(page.rename.field, Qt.Key.Key_Escape)
    QTest.keyClick(page.list, Qt.Key.Key_F2)
    assert page.rename.field.text() == "Journal"
    page.rename.field.selectAll()
    QTest.keyClicks(page.rename.field, "Older")
    page.detail.chat.setFocus()
    assert not page.rename.field.isVisible()
    qtbot.wait(20)
    assert names(page) == ["Journal", "Older"]


def test_export_from_start_to_verified(
    library: Library,
    page: AdaptersPage,
    launched: list[JobFolder],
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    show_two(library, page, qtbot)
    page.detail.start_export(tmp_path / "out")
    qtbot.waitUntil(page.detail.exporting.bar.isVisible)
    assert not page.detail.export.isEnabled()
    to = str(tmp_path / "out")
    journal = read_adapter(library.adapters, "Journal").card.id
    wanted = protocol.ExportSpec(name="Journal", adapter=journal, format="mlx", to=to)
    assert launched[0].spec() == wanted
    launched[0].append(protocol.Finished(result={"verified": True}))
    qtbot.waitUntil(lambda: "answers like the original" in page.detail.exporting.text.text())
    assert page.detail.exporting.show_folder.isVisible()
    assert page.detail.export.isEnabled()


def test_an_export_that_waits_says_for_what_and_can_be_cancelled(
    library: Library, page: AdaptersPage, launched: list[JobFolder], qtbot: QtBot, tmp_path: Path
) -> None:
    show_two(library, page, qtbot)
    page.detail.start_export(tmp_path / "out")
    qtbot.waitUntil(lambda: len(launched) == 1)
    text = "It waits for the training to finish."
    launched[0].append(protocol.Waiting(reason="turn", text=text))
    qtbot.waitUntil(lambda: page.detail.exporting.text.text() == text)
    page.detail.exporting.cancel.click()
    qtbot.waitUntil(launched[0].stop_requested)


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
    qtbot.waitUntil(lambda: page.detail.exporting.text.text() == expected)


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
    qtbot.waitUntil(lambda: names(page) == ["Journal"])
    assert binned(library) == ["Broken"]
    assert page.detail.chat.isVisible()


def test_an_adapter_says_that_its_base_model_is_missing(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    add_adapter(library, "Work", base="Gone")
    page.show()
    qtbot.waitUntil(page.detail.missing.isVisible)
    said = page.detail.missing.text()
    assert said == "“Work” needs the base model “Gone”, which is not in the library."
    assert not page.detail.chat.isEnabled()
    with qtbot.waitSignal(page.models_wanted):
        page.detail.bring_back.click()


def test_a_missing_base_model_is_restored_from_the_adapter(
    library: Library, page: AdaptersPage, services: Services, qtbot: QtBot
) -> None:
    add_model(library, "Qwen", 1_000_000)
    add_adapter(library, "Work", base="Qwen")
    page.show()
    qtbot.waitUntil(lambda: names(page) == ["Work"])
    assert not page.detail.missing.isVisible()
    services.deletions.delete("model", ["Qwen"], "Qwen")
    qtbot.waitUntil(page.detail.bring_back.isVisible)
    assert page.detail.bring_back.text() == "Restore It"
    page.detail.bring_back.click()
    qtbot.waitUntil(lambda: not page.detail.missing.isVisible())
    assert page.detail.chat.isEnabled()
