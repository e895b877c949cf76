from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSplitter
from pytestqt.qtbot import QtBot

from app.notes.page import NotesPage
from app.services import Services
from app.style import Size
from app.widgets.undo_bar import UndoBar
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.database import connect
from mlx_backend.library.notes import Notes
from tests.app.filled import TEXTS, add_notes, add_skipped


@pytest.fixture
def page(services: Services, qtbot: QtBot) -> NotesPage:
    page = NotesPage(services)
    qtbot.addWidget(page)
    page.show()
    return page


def titles(page: NotesPage) -> list[str]:
    """The titles in the list; "" for those that are being read."""
    notes = [page.table.note(row) for row in range(page.table.rowCount())]
    return [note.title if note is not None else "" for note in notes]


def states(library: Library) -> dict[str, str]:
    return {note.title: note.status for note in Notes(connect(library.database)).summaries()}


def test_empty_library_is_inviting(page: NotesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(page.welcome.isVisible)
    with qtbot.waitSignal(page.samples_wanted):
        page.welcome.samples.click()
    with qtbot.waitSignal(page.folder_wanted):
        page.welcome.choose.click()


def test_notes_are_listed_and_counted(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    add_notes(library)
    page.refresh()
    qtbot.waitUntil(lambda: titles(page) == ["Engine", "Puffins", "Recipes"])
    assert not page.welcome.isVisible()
    qtbot.waitUntil(lambda: page.totals.text() == "3 notes, 20 words · 3 not learned yet")
    assert page.table.index(0, 2).data() == "New"


def test_all_parts_fit_into_the_smallest_window(
    library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    add_notes(library)
    page.refresh()
    qtbot.waitUntil(lambda: len(titles(page)) == 3)
    width, height = Size.WINDOW_LEAST
    page.resize(width - Size.SIDEBAR - 1, height - Size.STRIP)
    assert page.width() == width - Size.SIDEBAR - 1
    split = page.findChild(QSplitter)
    assert isinstance(split, QSplitter)
    placed = [split.widget(place) for place in range(split.count())]
    parts = [part.geometry() for part in placed if part is not None]
    assert len(parts) == 3
    assert all(split.rect().contains(part) for part in parts)
    assert all(left.right() < right.left() for left, right in pairwise(parts))
    assert page.list.width() <= parts[1].width()


def test_search_as_you_type(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    add_notes(library)
    page.refresh()
    qtbot.waitUntil(lambda: len(titles(page)) == 3)
    QTest.keyClicks(page.search, "burr")
    qtbot.waitUntil(lambda: titles(page) == ["Puffins"])
    qtbot.waitUntil(lambda: page.totals.text() == "1 note found. Training uses 3 notes, 20 words")
    QTest.keyClicks(page.search, " nowhere")
    qtbot.waitUntil(lambda: titles(page) == [])
    assert not page.welcome.isVisible()
    page.search.clear()
    qtbot.waitUntil(lambda: len(titles(page)) == 3)


def test_preview_shows_plain_text(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    add_notes(library)
    page.refresh()
    qtbot.waitUntil(lambda: len(titles(page)) == 3)
    page.list.selectRow(2)
    qtbot.waitUntil(lambda: page.preview.text.toPlainText() == TEXTS["Recipes"])
    assert page.preview.title.text() == "Recipes"
    assert page.preview.where.text() == "5 words · /notes/Recipes.md"
    page.list.selectRow(0)
    qtbot.waitUntil(lambda: page.preview.text.toPlainText() == TEXTS["Engine"])


def test_very_long_note_is_shown_in_part(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    add_notes(library, {"Long": "word " * 100_000})
    page.refresh()
    qtbot.waitUntil(lambda: len(titles(page)) == 1)
    page.list.selectRow(0)
    qtbot.waitUntil(lambda: page.preview.text.toPlainText().endswith("The file goes on."))
    assert len(page.preview.text.toPlainText()) < 101_000


def test_leaving_out_by_key_and_undo(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    add_notes(library)
    page.refresh()
    qtbot.waitUntil(lambda: len(titles(page)) == 3)
    selection = page.list.selectionModel()
    for row in (0, 1):
        flags = QItemSelectionModel.SelectionFlag
        selection.select(page.table.index(row, 0), flags.Select | flags.Rows)
    with qtbot.waitSignal(page.notes_changed):
        QTest.keyClick(page.list, Qt.Key.Key_Space)
    assert page.undo_bar.label.text() == "Left out 2 notes."
    expected = {"Engine": "excluded", "Puffins": "excluded", "Recipes": "new"}
    assert states(library) == expected
    qtbot.waitUntil(lambda: page.table.index(0, 2).data() == "Left out")
    assert len(page.list.chosen_ids()) == 2
    qtbot.waitUntil(
        lambda: page.totals.text() == "1 note, 5 words · 1 not learned yet · 2 left out"
    )

    with qtbot.waitSignal(page.notes_changed):
        page.undo_bar.button.click()
    assert set(states(library).values()) == {"new"}
    assert not page.undo_bar.isVisible()


def test_space_and_button_turn_to_and_fro(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    add_notes(library)
    page.refresh()
    qtbot.waitUntil(lambda: len(titles(page)) == 3)
    page.list.selectRow(1)
    with qtbot.waitSignal(page.notes_changed):
        QTest.keyClick(page.list, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page.preview.toggle.text() == "Use for Training")
    with qtbot.waitSignal(page.notes_changed):
        page.preview.toggle.click()
    assert page.undo_bar.label.text() == "Training will use 1 note again."
    qtbot.waitUntil(lambda: page.preview.toggle.text() == "Leave Out")


def test_import_from_start_to_result(
    library: Library,
    services: Services,
    page: NotesPage,
    launched: list[JobFolder],
    qtbot: QtBot,
) -> None:
    services.imports.add([Path("/notes")])
    qtbot.waitUntil(lambda: len(launched) == 1)
    assert page.import_bar.isVisible()
    assert page.import_bar.text.text() == "Looking for notes…"
    spec = launched[0].spec()
    assert isinstance(spec, protocol.ImportSpec)
    assert spec.paths == ("/notes",)

    launched[0].append(protocol.Started(pid=1))
    launched[0].append(protocol.Progress(done=100, total=421, unit="files"))
    lock = launched[0].lock()
    assert lock.acquire()
    qtbot.waitUntil(lambda: page.import_bar.text.text() == "Reading 100 of 421 files")
    assert page.import_bar.cancel.isVisible()
    launched[0].append(protocol.Progress(done=0, total=412, unit="notes"))
    qtbot.waitUntil(lambda: page.import_bar.text.text() == "Looking through 0 of 412 notes")
    assert page.import_bar.cancel.isVisible()

    add_notes(library)
    skipped = [{"path": f"/notes/{n}.jpg", "reason": "Not text"} for n in range(9)]
    result: dict[str, object] = {"added": 412, "changed": 0, "unchanged": 0, "skipped": skipped}
    result["restored"] = 1
    add_skipped(library, {each["path"]: each["reason"] for each in skipped})
    launched[0].append(protocol.Finished(result=result))
    lock.release()
    expected = "I read 412 notes and skipped 9. The note that you had deleted is back."
    qtbot.waitUntil(lambda: page.import_bar.text.text() == expected)
    qtbot.waitUntil(lambda: len(titles(page)) == 3)
    with qtbot.waitSignal(page.tonight_wanted):
        page.import_bar.tonight.click()
    page.import_bar.why.click()
    assert page.skipped.isVisible()
    qtbot.waitUntil(lambda: "/notes/8.jpg" in page.skipped.list.toPlainText())
    assert page.skipped.list.toPlainText().startswith("Not text\n")


def test_import_can_be_cancelled(
    services: Services, page: NotesPage, launched: list[JobFolder], qtbot: QtBot
) -> None:
    services.imports.add([Path("/notes")])
    qtbot.waitUntil(lambda: services.imports.current is not None)
    page.import_bar.cancel.click()
    qtbot.waitUntil(launched[0].stop_requested)
    launched[0].append(protocol.Stopped())
    expected = "The import was cancelled. What was read before is here."
    qtbot.waitUntil(lambda: page.import_bar.text.text() == expected)


def test_what_is_dropped_during_an_import_waits_and_is_not_lost(
    services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    services.imports.add([Path("/one")])
    services.imports.add([Path("/two")])
    services.imports.add([Path("/three"), Path("/two")])
    qtbot.waitUntil(lambda: len(launched) == 1)
    launched[0].append(protocol.Finished(result={"unchanged": 4}))
    qtbot.waitUntil(lambda: len(launched) == 2)
    assert launched[1].spec() == protocol.ImportSpec(paths=("/two", "/three"))


def test_what_waits_is_started_when_the_window_closes(
    services: Services, launched: list[JobFolder], qtbot: QtBot
) -> None:
    services.imports.add([Path("/one")])
    services.imports.add([Path("/two")])
    services.close()
    specs = [folder.spec() for folder in launched]
    assert specs == [protocol.ImportSpec(paths=(path,)) for path in ("/one", "/two")]


def test_fifty_thousand_notes_scroll(services: Services, page: NotesPage, qtbot: QtBot) -> None:
    add_notes(services.library, {f"Note {n}": f"text {n}" for n in range(50_000)})
    page.refresh()
    qtbot.waitUntil(lambda: len(titles(page)) == 50_000, timeout=20_000)
    page.list.scrollToBottom()
    page.list.selectRow(49_999)
    qtbot.waitUntil(lambda: page.preview.text.toPlainText() != "")


@pytest.mark.parametrize(
    "skipped", [{}, {"/notes/Harbour.jpg": "Not a kind of file that is read."}]
)
def test_after_the_last_note_is_deleted_the_page_invites_and_offers_undo(
    skipped: dict[str, str], library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    add_notes(library)
    add_skipped(library, skipped)
    page.refresh()
    qtbot.waitUntil(lambda: len(titles(page)) == 3)
    page.list.selectAll()
    page.list.delete_wanted.emit()
    qtbot.waitUntil(lambda: titles(page) == [])
    qtbot.waitUntil(page.browser.empty.isVisible)
    assert not page.list.isVisible()
    with qtbot.waitSignal(page.folder_wanted):
        page.browser.empty.button.click()
    (bar,) = [bar for bar in page.findChildren(UndoBar) if bar.isVisible()]
    assert bar.label.text().startswith("Deleted 3 notes.")
    bar.button.click()
    qtbot.waitUntil(lambda: len(titles(page)) == 3)
    qtbot.waitUntil(page.list.isVisible)
