"""The bin: what is listed, restored and thrown out."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from app.bin.bin_table_model import stays
from app.bin.page import BinPage
from app.models.page import ModelsPage
from app.notes.page import NotesPage
from app.notes.samples.page import SamplesPage
from app.services import Services, make_services
from app.text.directions import isolated
from app.widgets.confirm_dialog import ConfirmDialog
from app.widgets.row_delegate import RowDelegate
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin, Binned
from mlx_backend.library.conversations import Conversations
from mlx_backend.library.database import opened
from mlx_backend.library.notes import Notes
from mlx_backend.library.sample_drafts import Draft
from tests.app.filled import add_adapter, add_model, add_notes, add_samples
from tests.mlx_backend.library import older

DAY_S = 86_400


def fill(library: Library) -> None:
    """Put an adapter, a model, a note and a conversation into the bin."""
    add_adapter(library, "Journal")
    add_model(library, "Big", 7_000_000_000)
    add_notes(library)
    with opened(library.database) as db:
        talk = Conversations(db).start("Birds")
        note = next(iter(Notes(db).summaries()))
        bin_ = Bin(library, db)
        bin_.delete_conversations([talk])
        bin_.delete_notes([note.id])
        bin_.delete_model("Big")
        bin_.delete_adapter("Journal")


def binned(library: Library) -> set[str]:
    with opened(library.database) as db:
        return {item.name for item in Bin(library, db).items()}


@pytest.fixture
def page(library: Library, services: Services, qtbot: QtBot) -> BinPage:
    fill(library)
    page = BinPage(services)
    qtbot.addWidget(page)
    page.resize(900, 600)
    page.show()
    qtbot.waitUntil(lambda: page.table.rowCount() == 4)
    return page


def rows(page: BinPage) -> list[list[str]]:
    table = page.table
    columns = range(table.columnCount())
    return [[table.index(row, c).data() for c in columns] for row in range(table.rowCount())]


def choose(page: BinPage, name: str) -> None:
    page.view.selectRow([row[0] for row in rows(page)].index(name))
    page.view.setFocus()


def dialog(page: BinPage) -> ConfirmDialog:
    (found,) = [each for each in page.findChildren(ConfirmDialog) if each.isVisible()]
    return found


def test_lists_what_is_there(page: BinPage, qtbot: QtBot) -> None:
    assert [row[:2] for row in rows(page)][:2] == [["Journal", "Adapter"], ["Big", "Model"]]
    assert rows(page)[0][2].startswith("Today, ")
    assert rows(page)[0][3] == "30 days"
    assert rows(page)[0][4].endswith("bytes")
    qtbot.waitUntil(lambda: "of that in the bin" in page.space.text())
    assert not page.restore.isEnabled()


def test_restoring_and_its_undo(
    library: Library, page: BinPage, services: Services, qtbot: QtBot
) -> None:
    choose(page, "Journal")
    page.restore.click()
    qtbot.waitUntil(lambda: page.table.rowCount() == 3)
    assert (library.adapters / "Journal").is_dir()
    assert page.undo_bar.label.text() == "Restored “Journal”."
    assert [item.name for item in page.chosen()] == ["Big"]
    page.undo_bar.button.click()
    qtbot.waitUntil(lambda: page.table.rowCount() == 4)
    assert not (library.adapters / "Journal").exists()


def test_several_are_restored_together(library: Library, page: BinPage, qtbot: QtBot) -> None:
    page.view.selectAll()
    page.restore.click()
    qtbot.waitUntil(lambda: page.table.rowCount() == 0)
    assert page.empty.isVisible()
    assert "30 days" in page.empty.sentence.text()
    assert binned(library) == set()


def test_only_the_named_button_throws_out(library: Library, page: BinPage, qtbot: QtBot) -> None:
    choose(page, "Birds")
    QTest.keyClick(page.view, Qt.Key.Key_Delete)
    asked = dialog(page)
    assert asked.question.text() == "Delete the conversation “Birds” for good?"
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        QTest.keyClick(asked, key)
        qtbot.waitUntil(lambda: not page.findChildren(ConfirmDialog))
        assert "Birds" in binned(library)
        page.activateWindow()
        qtbot.waitUntil(page.view.hasFocus)
        QTest.keyClick(page.view, Qt.Key.Key_Backspace)
        asked = dialog(page)
    asked.deed.click()
    qtbot.waitUntil(lambda: page.table.rowCount() == 3)
    assert "Birds" not in binned(library)


def test_emptying(library: Library, page: BinPage, qtbot: QtBot) -> None:
    page.empty_all.click()
    assert dialog(page).question.text() == "Delete 4 things for good?"
    dialog(page).deed.click()
    qtbot.waitUntil(page.empty.isVisible)
    assert binned(library) == set()


def test_only_what_was_asked_about_is_thrown_out(
    library: Library, page: BinPage, qtbot: QtBot
) -> None:
    add_adapter(library, "Later")
    page.empty_all.click()
    with opened(library.database) as db:
        bin_ = Bin(library, db)
        bin_.delete_adapter("Later")
        bin_.restore(next(item.id for item in bin_.items() if item.name == "Journal"))
    dialog(page).deed.click()
    qtbot.waitUntil(lambda: [row[0] for row in rows(page)] == ["Later"])
    assert binned(library) == {"Later"}
    assert (library.adapters / "Journal").is_dir()


def test_what_could_not_be_thrown_out_is_shown(
    library: Library,
    page: BinPage,
    services: Services,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    really = Bin.remove_all

    def remove_all(bin_: Bin, item_ids: Iterable[str]) -> int:
        *all_but_one, _ = item_ids
        really(bin_, all_but_one)
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Bin, "remove_all", remove_all)
    page.empty_all.click()
    with qtbot.waitSignal(services.background.failed):
        dialog(page).deed.click()
    qtbot.waitUntil(lambda: page.table.rowCount() == 1)
    assert binned(library) == {rows(page)[0][0]}


def test_follows_the_zoom(page: BinPage, services: Services, qtbot: QtBot) -> None:
    header, column = page.view.horizontalHeader(), page.view.verticalHeader()

    def sizes() -> list[int]:
        return [column.defaultSectionSize(), *map(header.sectionSize, (1, 2, 3, 4))]

    before = sizes()
    assert all(before)
    try:
        services.style.set_zoom(200)
        # What is needed least gives way to the names.
        qtbot.waitUntil(lambda: sizes() == [2 * before[0], 0, 0, 2 * before[3], 0])
        assert header.sectionSize(0) >= before[3]
        page.resize(1600, 600)
        qtbot.waitUntil(lambda: sizes() == [2 * size for size in before])
    finally:
        services.style.set_zoom(100)
    assert sizes() == before


def test_names_are_as_they_are(
    library: Library, page: BinPage, services: Services, qtbot: QtBot
) -> None:
    name = "<b>מה?</b> " + "long " * 30
    with opened(library.database) as db:
        talk = Conversations(db).start("x")
        Conversations(db).rename(talk, name)
    services.deletions.delete("conversation", [talk], name)
    qtbot.waitUntil(lambda: page.table.rowCount() == 5)
    index = page.table.index(0, 0)
    assert index.data() == name.strip()
    assert "&lt;b&gt;" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert page.view.textElideMode() == Qt.TextElideMode.ElideMiddle
    option = QStyleOptionViewItem()
    delegate = page.view.itemDelegate()
    assert isinstance(delegate, RowDelegate)
    delegate.initStyleOption(option, index)
    assert option.text == isolated(name.strip())


def test_how_long_things_stay() -> None:
    item = Binned("1", "note", "A", 1_000_000.0, 5)
    assert stays(item, 30, item.deleted + 60) == "30 days"
    assert stays(item, 30, item.deleted + 29 * DAY_S) == "1 day"
    assert stays(item, 30, item.deleted + 31 * DAY_S) == "Less than a day"
    assert stays(item, 0, item.deleted) == "Until you empty it"


def test_what_is_old_goes_when_the_window_opens(
    library: Library, qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library)
    now = time.time()
    monkeypatch.setattr("app.library.deletions.time.time", lambda: now + 29 * DAY_S)
    make_services(library, qapp).close()
    assert len(binned(library)) == 4
    monkeypatch.setattr("app.library.deletions.time.time", lambda: now + 31 * DAY_S)
    make_services(library, qapp).close()
    assert len(binned(library)) == 4, "the clock may be wrong"
    monkeypatch.setattr("app.library.deletions.time.time", lambda: now + 32 * DAY_S)
    make_services(library, qapp).close()
    assert binned(library) == set()


def test_and_while_it_stays_open(
    library: Library, qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(library)
    days = itertools.count(31)
    now = time.time()
    monkeypatch.setattr("app.library.deletions.time.time", lambda: now + next(days) * DAY_S)
    monkeypatch.setattr("app.library.deletions._LOOK_MS", 20)
    services = make_services(library, qapp)
    with qtbot.waitSignal(services.deletions.emptied):
        pass
    services.close()
    assert binned(library) == set()


def test_what_cannot_be_thrown_out_is_not_complained_about(
    library: Library, services: Services, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    failed: list[object] = []
    after: list[object] = []
    services.background.failed.connect(failed.append)
    with opened(library.database) as connection:
        connection.execute("ALTER TABLE bin RENAME TO gone")
        services.deletions.purge()
        services.background.call(lambda _: None, after.append)
        qtbot.waitUntil(lambda: len(after) == 1)
        connection.execute("ALTER TABLE gone RENAME TO bin")
    assert "no such table" in caplog.text
    assert failed == []


def test_a_note_is_thrown_out_together_with_a_sample_about_it(
    library: Library, services: Services, qtbot: QtBot
) -> None:
    with opened(library.database) as connection:
        older.fill(connection)
        bin_ = Bin(library, connection)
        items = [*bin_.delete_samples([4]), *bin_.delete_notes([3])]
    failed: list[object] = []
    services.background.failed.connect(failed.append)
    with qtbot.waitSignal(services.deletions.emptied):
        services.deletions.throw_out(list(reversed(items)))
    assert binned(library) == set()
    assert failed == []


def test_models_are_deleted_by_key_one_after_another(
    library: Library, services: Services, qtbot: QtBot
) -> None:
    for name in ("alpha", "beta", "gamma"):
        add_model(library, name, 100_000_000)
    services.preferences.change(base_model="beta")
    page = ModelsPage(services)
    qtbot.addWidget(page)
    page.show()

    def listed() -> list[str]:
        return [button.text() for button in page.choices.buttons()]

    qtbot.waitUntil(lambda: listed()[1:] == ["alpha", "beta", "gamma"])
    page.choices.button(0).setFocus()
    QTest.keyClick(page.choices.button(0), Qt.Key.Key_Delete)  # the starter is not there yet
    page.choices.button(2).setFocus()
    QTest.keyClick(page.choices.button(2), Qt.Key.Key_Delete)
    QTest.keyClick(page.choices.button(3), Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: listed()[1:] == ["alpha"])
    assert binned(library) == {"beta", "gamma"}
    assert services.preferences.settings.base_model == "starter"
    assert page.choices.checkedId() == 0
    services.history.undo()
    services.history.undo()
    qtbot.waitUntil(lambda: listed()[1:] == ["alpha", "beta", "gamma"])
    assert services.preferences.settings.base_model == "beta"
    assert page.choices.checkedId() == 2


def titles(page: NotesPage) -> list[str]:
    return [page.table.index(row, 0).data() or "" for row in range(page.table.rowCount())]


def test_notes_are_deleted_in_one_step(library: Library, services: Services, qtbot: QtBot) -> None:
    add_notes(library)
    page = NotesPage(services)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: titles(page) == ["Engine", "Puffins", "Recipes"])
    page.list.setFocus()
    page.list.selectRow(0)
    QTest.keyClick(page.list, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: titles(page) == ["Recipes"])
    qtbot.waitUntil(lambda: page.preview.title.text() == "Recipes")
    assert page.undo_bar.label.text() == "Deleted 2 notes. The bin keeps them for 30 days."
    QTest.keyClick(page.list, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: titles(page) == [])
    assert binned(library) == {"Engine", "Puffins", "Recipes"}
    services.history.undo()
    qtbot.waitUntil(lambda: titles(page) == ["Recipes"])
    services.history.undo()
    qtbot.waitUntil(lambda: titles(page) == ["Engine", "Puffins", "Recipes"])
    qtbot.waitUntil(lambda: page.preview.title.text() == "2 notes")


def test_samples_are_deleted_and_come_back(
    library: Library, services: Services, qtbot: QtBot
) -> None:
    add_notes(library)
    drafts = [
        Draft(kind="fact", prompt=f"Question {n}?", answer="352", key="352", quote="352")
        for n in range(3)
    ]
    add_samples(library, "Puffins", drafts)
    view = SamplesPage(services)
    qtbot.addWidget(view)
    view.show()

    def prompts() -> list[str]:
        table = view.table
        return [table.index(row, 0).data() or "" for row in range(table.rowCount())]

    qtbot.waitUntil(lambda: all(prompts()) and len(prompts()) == 3)
    first, second, third = prompts()
    view.view.setFocus()
    view.view.selectRow(1)
    QTest.keyClick(view.view, Qt.Key.Key_Delete)
    QTest.keyClick(view.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: prompts() == [first])
    assert binned(library) == {second, third}
    services.history.undo()
    services.history.undo()
    qtbot.waitUntil(lambda: prompts() == [first, second, third])
    qtbot.waitUntil(lambda: view.editor.sample is not None and view.editor.sample.prompt == second)
