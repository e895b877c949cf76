"""Folders, chips, findings and the picture on the Notes page."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.notes.page import NotesPage
from app.services import Services
from mlx_backend.importers.readers.transcript import TranscriptBuilder
from mlx_backend.library import Library
from mlx_backend.library.database import connect, opened, transaction
from mlx_backend.library.inclusion import update_included
from mlx_backend.library.note_secrets import note_secrets
from mlx_backend.library.notes import NewNote, Notes
from mlx_backend.library.own_names import OwnNames, update_authorship
from tests.app.filled import TEXTS, add_finding, add_notes, add_skipped


@pytest.fixture
def page(library: Library, services: Services, qtbot: QtBot) -> NotesPage:
    add_notes(library)
    add_notes(library, {"Budget": "Money for the boat."}, "/notes/Work")
    add_notes(library, {"Minutes": "We met. We talked."}, "/notes/Work/2026")
    page = NotesPage(services)
    qtbot.addWidget(page)
    page.resize(1200, 800)
    page.show()
    # RowDelegate are read behind the window's back, after it is known how many there are.
    qtbot.waitUntil(lambda: len([*filter(None, titles(page))]) == 5 and page.tree.rowCount() == 2)
    return page


def titles(page: NotesPage) -> list[str]:
    notes = [page.table.note(row) for row in range(page.table.rowCount())]
    return [note.title if note is not None else "" for note in notes]


def used(library: Library) -> set[str]:
    summaries = Notes(connect(library.database)).summaries()
    return {note.title for note in summaries if note.status != "excluded"}


def open_source(page: NotesPage, qtbot: QtBot) -> None:
    source = page.tree.index_of("/notes")
    page.folders.view.expand(source)
    qtbot.waitUntil(lambda: page.tree.rowCount(page.tree.index_of("/notes")) == 1)


def look_again(page: NotesPage, qtbot: QtBot) -> None:
    page.refresh()
    qtbot.waitUntil(lambda: not page._is_looking)


def test_tree_has_sources_and_their_folders_with_counts(page: NotesPage, qtbot: QtBot) -> None:
    tree = page.tree
    assert [tree.index(0, column).data() for column in (0, 1)] == ["All notes", "5"]
    assert [tree.index(1, column).data() for column in (0, 1)] == ["notes", "5"]
    open_source(page, qtbot)
    work = tree.index_of("/notes/Work")
    assert (work.data(), work.siblingAtColumn(1).data()) == ("Work", "2")
    assert tree.hasChildren(work)
    assert tree.parent(work) == tree.index_of("/notes")


def test_choosing_a_folder_shows_its_notes(page: NotesPage, qtbot: QtBot) -> None:
    open_source(page, qtbot)
    page.folders.choose("/notes/Work")
    qtbot.waitUntil(lambda: titles(page) == ["Minutes", "Budget"])
    assert page.totals.text().startswith("2 notes found. Training uses 5 notes")
    qtbot.waitUntil(lambda: page.preview.charts.heading.text() == "Work")
    assert not page.folders.watch.isVisible()  # only what was imported can be watched
    page.folders.choose("")
    qtbot.waitUntil(lambda: len(titles(page)) == 5)


def test_whole_folder_is_left_out_and_undone(
    library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    open_source(page, qtbot)
    page.folders.choose("/notes/Work")
    with qtbot.waitSignal(page.notes_changed):
        page.folders.toggle.click()
    assert page.undo_bar.label.text() == (
        "Left out 2 notes, and what comes into this folder later."
    )
    assert used(library) == set(TEXTS)
    qtbot.waitUntil(lambda: page.folders.toggle.text() == "Use Folder")
    assert page.folders.path == "/notes/Work"
    with qtbot.waitSignal(page.notes_changed):
        page.undo_bar.button.click()
    assert used(library) == {*TEXTS, "Budget", "Minutes"}
    qtbot.waitUntil(lambda: page.folders.toggle.text() == "Leave Out Folder")


def test_tree_takes_in_what_an_import_brings(
    library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    open_source(page, qtbot)
    page.folders.choose("/notes/Work")
    add_notes(library, {"Soup": "Leeks."}, "/notes/Cooking")
    add_notes(library, {"Letter": "Dear."}, "/notes/Work")
    page.refresh()
    names = ["Cooking", "Work"]
    source = page.tree.index_of("/notes")
    qtbot.waitUntil(lambda: [page.tree.index(n, 0, source).data() for n in range(2)] == names)
    assert page.folders.path == "/notes/Work"
    assert page.folders.view.isExpanded(source)
    assert page.tree.index_of("/notes/Work").siblingAtColumn(1).data() == "3"


def test_watching_is_offered_and_explained(
    services: Services, page: NotesPage, qtbot: QtBot
) -> None:
    page.folders.choose("/notes")
    assert page.folders.watch.isVisible()
    assert "add the folder again" in page.folders.help.text()
    with qtbot.waitSignal(services.watched.changed):
        page.folders.watch.click()
    qtbot.waitUntil(lambda: "wait as New" in page.folders.help.text())
    assert page.folders.watch.isChecked()
    with qtbot.waitSignal(services.watched.changed):
        page.folders.watch.click()
    qtbot.waitUntil(lambda: not page.folders.watch.isChecked())


def test_menu_of_a_folder(page: NotesPage, qtbot: QtBot) -> None:
    menu = page.folders.menu(page.tree.folder(page.tree.index_of("/notes")))
    assert [action.text() for action in menu.actions()] == ["Leave Out", "Watch This Folder"]


def test_chips_count_filter_and_explain(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    assert not page.chips.isVisible()
    add_finding(library, "Puffins", "near_duplicate", leaves_out=1)
    add_finding(library, "Engine", "secrets", spans="[[0, 3]]")
    add_skipped(library, {"/notes/a.jpg": "A picture"})
    look_again(page, qtbot)
    shown = {k: page.chips.chip(k).text() for k in ("left_out", "duplicates", "secrets", "skipped")}
    assert list(shown.values()) == [
        "1 left out",
        "1 duplicate",
        "1 with secrets",
        "1 skipped file",
    ]
    assert not page.chips.chip("language").isVisible()
    page.chips.chip("secrets").click()
    qtbot.waitUntil(lambda: titles(page) == ["Engine"])
    assert "masked before training" in page.group_bar.sentence.text()
    page.chips.chip("duplicates").click()
    qtbot.waitUntil(lambda: titles(page) == ["Puffins"])
    assert not page.chips.chip("secrets").isChecked()
    page.chips.chip("skipped").click()
    qtbot.waitUntil(lambda: "/notes/a.jpg" in page.skipped.list.toPlainText())
    add_skipped(library, {"/notes/b.jpg": "A picture"})
    page.refresh()
    qtbot.waitUntil(lambda: "/notes/b.jpg" in page.skipped.list.toPlainText())
    page.chips.chip("skipped").click()
    qtbot.waitUntil(lambda: len(titles(page)) == 5)
    assert not page.group_bar.isVisible()


def test_finding_explains_itself_and_the_persons_choice_wins(
    library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    reason = "It says what another note says."
    add_finding(library, "Engine", "duplicate", leaves_out=1, reason=reason)
    look_again(page, qtbot)
    page.list.selectRow(titles(page).index("Engine"))
    qtbot.waitUntil(page.preview.findings.isVisible)
    texts = [child.text() for child in page.preview.findings.findChildren(type(page.totals))]
    assert list(filter(None, texts)) == [reason]
    with qtbot.waitSignal(page.notes_changed):
        page.preview.toggle.click()
    assert "Engine" in used(library)
    qtbot.waitUntil(lambda: "You chose to use it" in page.preview.help.text())
    with qtbot.waitSignal(page.notes_changed):
        page.undo_bar.button.click()
    assert "Engine" not in used(library)


def test_finding_is_undone_for_one_note_and_back(
    library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    add_finding(library, "Engine", "quality", leaves_out=1)
    look_again(page, qtbot)
    page.list.selectRow(titles(page).index("Engine"))
    qtbot.waitUntil(page.preview.findings.isVisible)
    with qtbot.waitSignal(page.notes_changed):
        page.preview.findings.undo_wanted.emit("quality", True, None)
    assert "Engine" in used(library)
    with qtbot.waitSignal(page.notes_changed):
        page.undo_bar.button.click()
    assert "Engine" not in used(library)


def test_quality_and_language_are_told_in_one_line(
    library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    quality = page.preview.findings.quality
    add_finding(library, "Engine", "quality", score=0.84, reason="12 percent of it is a log.")
    add_finding(library, "Engine", "language", reason="It is written in German.")
    add_finding(library, "Puffins", "quality", score=0.3, leaves_out=1, reason="Mostly links.")
    look_again(page, qtbot)
    page.list.selectRow(titles(page).index("Engine"))
    qtbot.waitUntil(quality.isVisible)
    assert quality.text() == (
        "Quality 84 of 100. 12 percent of it is a log. It is written in German."
    )
    page.list.selectRow(titles(page).index("Puffins"))
    qtbot.waitUntil(lambda: quality.text() == "Quality 30 of 100.")
    told = [line.text() for line in page.preview.findings.findChildren(type(quality))]
    assert "Mostly links." in told  # with its button, so not said twice
    page.list.selectRow(titles(page).index("Recipes"))
    qtbot.waitUntil(page.preview.findings.isHidden)


def test_step_is_undone_for_all_notes(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    for title in ("Engine", "Puffins"):
        add_finding(library, title, "duplicate", leaves_out=1)
    look_again(page, qtbot)
    page.chips.chip("duplicates").click()
    qtbot.waitUntil(page.group_bar.button.isVisible)
    with qtbot.waitSignal(page.notes_changed):
        page.group_bar.button.click()
    assert {"Engine", "Puffins"} <= used(library)
    qtbot.waitUntil(lambda: page.group_bar.button.text() == "Leave Out Again")
    with qtbot.waitSignal(page.notes_changed):
        page.undo_bar.button.click()
    assert not {"Engine", "Puffins"} & used(library)


def test_only_the_secrets_on_the_screen_go_unmasked(
    library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    def action() -> str:
        return "".join(b.text() for b in page.preview.findings.findChildren(QPushButton))

    def masked() -> list[str]:
        with opened(library.database) as connection:
            return [each.kind for note in note_secrets(connection) for each in note.masked]

    add_finding(library, "Budget", "secrets", spans="[[0, 5]]", value="password")
    page.list.selectRow(titles(page).index("Budget"))
    qtbot.waitUntil(lambda: action() == "Do Not Mask")
    with opened(library.database) as connection, transaction(connection):  # as an import would
        connection.execute(
            "UPDATE findings SET spans = '[[0, 5], [14, 18]]', value = 'password;PIN'"
            " WHERE step = 'secrets'"
        )
    with qtbot.waitSignal(page.notes_changed):
        page.preview.findings.findChildren(QPushButton)[0].click()
    assert masked() == ["PIN"]
    qtbot.waitUntil(lambda: action() == "Do Not Mask")  # for the one that is new
    with qtbot.waitSignal(page.notes_changed):
        page.undo_bar.button.click()
    assert masked() == ["password", "PIN"]


def test_picture_of_the_whole_while_no_note_is_chosen(page: NotesPage, qtbot: QtBot) -> None:
    picture = page.preview.charts
    qtbot.waitUntil(lambda: picture.sums.text().startswith("5 notes with 28 words"))
    assert picture.isVisible()
    assert picture.kinds.accessibleDescription() == "Plain text: 5"
    assert picture.lengths.accessibleDescription().startswith("Under 50: 5; 50 to 199: 0")
    page.list.selectRow(0)
    qtbot.waitUntil(lambda: not picture.isVisible())
    QTest.keyClick(page.list, Qt.Key.Key_Escape)
    qtbot.waitUntil(picture.isVisible)


def test_all_notes_are_chosen_left_out_and_brought_back(
    library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    page.list.selectAll()
    qtbot.waitUntil(lambda: page.preview.title.text() == "5 notes")
    assert page.preview.where.text().startswith("28 words")
    with qtbot.waitSignal(page.notes_changed):
        page.preview.toggle.click()
    assert used(library) == set()
    qtbot.waitUntil(lambda: page.preview.toggle.text() == "Use for Training")
    assert len(page.list.chosen_ids()) == 5
    with qtbot.waitSignal(page.notes_changed):
        page.undo_bar.button.click()
    assert len(used(library)) == 5


def add_chat(library: Library, own: bool | None = None) -> None:
    """A chat of Ida and Emil; `own` tells whether the file says that Emil is the person."""
    transcript = TranscriptBuilder()
    for name, words in (("Ida", "When does the ferry leave?"), ("Emil", "At seven, I think.")):
        is_own = None if own is None else own and name == "Emil"
        transcript.say(name, f"{name}: ", words, is_own)
        transcript.add("\n")
    connection = connect(library.database)
    text = transcript.text
    voices = transcript.voices
    note = NewNote("/notes/Ferry", "/notes", "Ferry", text, "1", 10, 12, (), voices=voices)
    Notes(connection).save([note])
    with transaction(connection):
        update_authorship(connection)
    connection.close()


def show_note(page: NotesPage, qtbot: QtBot, title: str) -> None:
    look_again(page, qtbot)
    qtbot.waitUntil(lambda: title in titles(page))
    page.list.selectRow(titles(page).index(title))
    qtbot.waitUntil(lambda: page.preview.title.text() == title)


def test_who_one_is_is_asked_where_it_matters_and_can_be_undone(
    library: Library, page: NotesPage, qtbot: QtBot
) -> None:
    add_chat(library)
    show_note(page, qtbot, "Ferry")
    names = page.preview.speakers.names.findChildren(QPushButton)
    assert {name.text() for name in names} == {"Ida", "Emil"}
    next(name for name in names if name.text() == "Emil").click()
    qtbot.waitUntil(lambda: not page.preview.speakers.isVisible())
    assert OwnNames(connect(library.database)).all() == ["Emil"]
    qtbot.waitUntil(lambda: page.chips.chip("authorship").text() == "1 with others’ words")
    place = page.preview.text.toPlainText().index("ferry")
    qtbot.waitUntil(lambda: bool(page.preview.text.marks_at(place)))
    page.undo_bar.button.click()
    qtbot.waitUntil(page.preview.speakers.isVisible)
    assert OwnNames(connect(library.database)).all() == []


def test_others_words_are_kept_on_demand(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    add_chat(library, own=True)
    show_note(page, qtbot, "Ferry")
    assert not page.preview.speakers.isVisible()
    (keep,) = page.preview.findings.findChildren(QPushButton)
    assert keep.text() == "Keep Others' Words"
    keep.click()
    qtbot.waitUntil(page.undo_bar.isVisible)

    def offered() -> set[str]:
        return {each.text() for each in page.preview.findings.findChildren(QPushButton)}

    qtbot.waitUntil(lambda: "Leave Out Again" in offered())


def test_a_language_is_left_out_and_back(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    for title, code in (("Puffins", "en"), ("Engine", "en"), ("Recipes", "de")):
        add_finding(library, title, "language", value=code)
    look_again(page, qtbot)
    page.chips.choose("language")
    qtbot.waitUntil(lambda: {"en", "de"} == set(page.group_bar.languages.ticks))
    ticks = page.group_bar.languages.ticks
    assert ticks["de"].text() == "German (1 note)"
    ticks["de"].click()
    qtbot.waitUntil(lambda: "Recipes" not in used(library))
    qtbot.waitUntil(
        lambda: page.undo_bar.label.text() == "Left out notes in this language: German."
    )
    page.undo_bar.button.click()
    qtbot.waitUntil(lambda: "Recipes" in used(library))
    qtbot.waitUntil(ticks["de"].isChecked)


def test_a_left_out_folder_says_so(library: Library, page: NotesPage, qtbot: QtBot) -> None:
    open_source(page, qtbot)
    page.folders.choose("/notes/Work")
    page.folders.toggle.click()
    qtbot.waitUntil(lambda: page.folders.toggle.text() == "Use Folder")
    assert "what comes into it later" in page.folders.help.text()
    add_notes(library, {"Later": "Words that come later."}, "/notes/Work")
    connection = connect(library.database)
    update_included(connection)
    connection.close()
    show_note(page, qtbot, "Later")
    qtbot.waitUntil(lambda: page.preview.help.text().startswith("You left out the folder"))
    page.folders.toggle.click()
    qtbot.waitUntil(lambda: "Later" in used(library))
