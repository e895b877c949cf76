"""What study wrote, in the window: reading, changing and leaving out."""

from __future__ import annotations

import functools
import time

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.notes.page import NotesPage
from app.notes.samples import descriptions
from app.notes.samples.page import SamplesPage
from app.services import Services
from app.shell.window import Window
from mlx_backend import protocol
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library, drop_reasons
from mlx_backend.library.bin import Bin
from mlx_backend.library.database import opened, transaction
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.sample_browsing import SampleBrowsing, SampleFilter
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.stored_samples import StoredSample
from tests.app.filled import add_notes, add_samples
from tests.app.recorded import RunMaker
from tests.benchmarks.stalls import StallMeter

BURROWS = Draft(
    kind="count",
    prompt="How many burrows did we count?",
    answer="Puffins: We counted 352 burrows on Gull Pantry.",
    key="352",
    quote="We counted 352 burrows on Gull Pantry.",
)
CYLINDERS = Draft(
    kind="count",
    prompt="How many cylinders does the engine have?",
    answer="Engine: two cylinders",
    key="two",
    quote="two cylinders",
)
BAD = Draft(
    kind="name",
    prompt="What is Gull Pantry?",
    answer="Gull Pantry",
    key="Gull Pantry",
    quote="on Gull Pantry",
    dropped=drop_reasons.TELLS_ANSWER,
)


@pytest.fixture
def notes(services: Services, library: Library, qtbot: QtBot) -> NotesPage:
    add_notes(library)
    add_samples(library, "Puffins", [BURROWS, BAD])
    add_samples(library, "Engine", [CYLINDERS])
    page = NotesPage(services)
    qtbot.addWidget(page)
    page.resize(1100, 760)
    page.show()
    qtbot.waitUntil(lambda: page.table.rowCount() == 3)
    return page


@pytest.fixture
def view(notes: NotesPage, qtbot: QtBot) -> SamplesPage:
    notes.segments.buttons[1].click()
    qtbot.waitUntil(lambda: notes.samples.table.rowCount() == 3)
    return notes.samples


def prompts(view: SamplesPage) -> list[str]:
    samples = [view.table.item(row) for row in range(view.table.rowCount())]
    return [sample.prompt if sample else "" for sample in samples]


def choose(view: SamplesPage, prompt: str, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: prompt in prompts(view))
    view.view.selectRow(prompts(view).index(prompt))
    qtbot.waitUntil(lambda: view.editor.prompt.toPlainText() == prompt)


def stored(library: Library) -> dict[str, StoredSample]:
    with opened(library.database) as db:
        browsing = SampleBrowsing(db)
        return {s.prompt: s for s in browsing.rows(browsing.ids(SampleFilter())).values()}


def test_before_the_first_study_it_says_what_it_is_for(
    services: Services, library: Library, qtbot: QtBot
) -> None:
    add_notes(library)
    page = NotesPage(services)
    qtbot.addWidget(page)
    page.show()
    page.segments.buttons[1].click()
    qtbot.waitUntil(page.samples.empty.isVisible)
    with qtbot.waitSignal(page.tonight_wanted):
        page.samples.empty.button.click()


def test_what_was_written_is_listed_and_counted(view: SamplesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: prompts(view) == [CYLINDERS.prompt, BURROWS.prompt, BAD.prompt])
    qtbot.waitUntil(lambda: view.totals.text() == "3 samples written, 2 kept")
    row = [view.table.index(2, column).data() for column in range(3)]
    assert "it tells its own answer" in view.table.index(2, 2).data(Qt.ItemDataRole.ToolTipRole)
    assert row == ["What is Gull Pantry?", "Puffins", "Thrown out"]
    assert view.chips.chip("dropped").text() == "1 thrown out"
    assert "1 told their own answer" in view.chips.chip("dropped").toolTip()


def test_a_change_that_came_too_late_is_said_once_and_its_words_are_given_back(
    view: SamplesPage, services: Services, library: Library, qtbot: QtBot
) -> None:
    choose(view, BURROWS.prompt, qtbot)
    with opened(library.database) as db:
        Bin(library, db).delete_samples([stored(library)[BURROWS.prompt].id])
    retype(view.editor.prompt, "How many nests?")
    told: list[OvernightError] = []
    services.background.failed.connect(told.append)
    with qtbot.assertNotEmitted(services.background.behind):
        view.editor.save()
        qtbot.waitUntil(lambda: BURROWS.prompt not in prompts(view))
    (error,) = told
    assert "How many nests?" in error.hint
    assert BURROWS.answer in error.hint


def test_search_and_groups(view: SamplesPage, qtbot: QtBot) -> None:
    QTest.keyClicks(view.search, "puffins gull")
    qtbot.waitUntil(lambda: prompts(view) == [BURROWS.prompt, BAD.prompt])
    qtbot.waitUntil(lambda: view.totals.text() == "2 samples found. 3 samples written, 2 kept")
    view.chips.chip("dropped").click()
    qtbot.waitUntil(lambda: prompts(view) == [BAD.prompt])
    view.search.clear()
    view.chips.chip("dropped").click()
    qtbot.waitUntil(lambda: len(prompts(view)) == 3)
    QTest.keyClicks(view.search, "100% of_it")
    qtbot.waitUntil(lambda: prompts(view) == [])


def test_why_one_was_thrown_out_is_said_and_can_be_overruled(
    view: SamplesPage, qtbot: QtBot, library: Library
) -> None:
    choose(view, BAD.prompt, qtbot)
    assert view.editor.state.text() == (
        "Thrown out: it tells its own answer. Training does not see it."
    )
    assert view.editor.quote.text() == "“on Gull Pantry”"
    view.editor.toggle.click()
    qtbot.waitUntil(lambda: stored(library)[BAD.prompt].is_used)
    qtbot.waitUntil(lambda: view.editor.state.text().startswith("You chose to use this"))
    qtbot.waitUntil(lambda: view.totals.text() == "3 samples written, 3 kept")
    view.undo_bar.button.click()
    qtbot.waitUntil(lambda: stored(library)[BAD.prompt].choice == "")


def test_leaving_out_and_undo(view: SamplesPage, qtbot: QtBot, library: Library) -> None:
    choose(view, BURROWS.prompt, qtbot)
    view.editor.toggle.click()
    qtbot.waitUntil(lambda: not stored(library)[BURROWS.prompt].is_used)
    qtbot.waitUntil(lambda: view.editor.toggle.text() == "Use for Training")
    view.undo_bar.button.click()
    qtbot.waitUntil(lambda: stored(library)[BURROWS.prompt].is_used)


def test_the_samples_of_a_note_left_out_are_so_too(
    view: SamplesPage, qtbot: QtBot, library: Library
) -> None:
    engine = stored(library)[CYLINDERS.prompt].note_id
    with opened(library.database) as db:
        NoteDecisions(db).decide([engine], included=False)
    view.refresh()
    qtbot.waitUntil(lambda: view.totals.text() == "3 samples written, 1 kept")
    choose(view, CYLINDERS.prompt, qtbot)
    assert view.table.index(0, 2).data() == "Left out"
    assert view.editor.state.text() == "Its note is left out of training, and so is this sample."


def toggle(view: SamplesPage, qtbot: QtBot) -> None:
    offered = view.editor.toggle.text()
    view.editor.toggle.click()
    qtbot.waitUntil(lambda: view.editor.toggle.text() != offered)


@pytest.mark.parametrize("prompt", [BURROWS.prompt, BAD.prompt])
def test_taking_back_leaves_no_trace(
    view: SamplesPage, qtbot: QtBot, library: Library, prompt: str
) -> None:
    choose(view, prompt, qtbot)
    before = stored(library)[prompt]
    toggle(view, qtbot)
    assert stored(library)[prompt].is_used != before.is_used
    toggle(view, qtbot)
    assert stored(library)[prompt] == before


def test_what_was_changed_stays_so_while_it_is_left_out(
    view: SamplesPage, qtbot: QtBot, library: Library
) -> None:
    choose(view, BURROWS.prompt, qtbot)
    retype(view.editor.answer, "352")
    view.editor.save()
    qtbot.waitUntil(lambda: view.editor.state.text().startswith("You changed"))
    view.editor.toggle.click()
    qtbot.waitUntil(lambda: view.editor.state.text().startswith("You left this sample out"))
    assert not stored(library)[BURROWS.prompt].is_used
    assert [row for row in range(3) if view.table.index(row, 2).data() == "Left out"] == [1]
    view.editor.toggle.click()
    qtbot.waitUntil(lambda: view.editor.state.text().startswith("You changed"))
    assert stored(library)[BURROWS.prompt].choice == "edited"
    assert stored(library)[BURROWS.prompt].answer == "352"
    view.undo_bar.button.click()
    qtbot.waitUntil(lambda: stored(library)[BURROWS.prompt].choice == "edited, dropped")


def retype(field: QPlainTextEdit, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)


def test_what_is_typed_is_kept_when_something_else_is_done(
    view: SamplesPage, qtbot: QtBot, library: Library
) -> None:
    choose(view, BURROWS.prompt, qtbot)
    retype(view.editor.prompt, "How many burrows are there?")
    view.refresh()  # study writes on meanwhile
    qtbot.wait(50)
    assert view.editor.prompt.toPlainText() == "How many burrows are there?"
    view.view.selectRow(prompts(view).index(CYLINDERS.prompt))
    qtbot.waitUntil(lambda: "How many burrows are there?" in stored(library))
    assert stored(library)["How many burrows are there?"].choice == "edited"
    qtbot.waitUntil(lambda: view.editor.prompt.toPlainText() == CYLINDERS.prompt)
    qtbot.waitUntil(view.undo_bar.isVisible)
    view.undo_bar.button.click()
    qtbot.waitUntil(lambda: stored(library).get(BURROWS.prompt) is not None)
    assert stored(library)[BURROWS.prompt].choice == ""


def test_what_is_typed_is_kept_when_the_page_goes(
    notes: NotesPage, view: SamplesPage, qtbot: QtBot, library: Library
) -> None:
    choose(view, BURROWS.prompt, qtbot)
    retype(view.editor.answer, "352")
    notes.hide()
    qtbot.waitUntil(lambda: stored(library)[BURROWS.prompt].answer == "352")


def test_an_emptied_field_gets_its_words_back(
    view: SamplesPage, qtbot: QtBot, library: Library
) -> None:
    choose(view, BURROWS.prompt, qtbot)
    view.editor.answer.clear()
    view.editor.save()
    assert view.editor.answer.toPlainText() == BURROWS.answer
    assert stored(library)[BURROWS.prompt].choice == ""


def test_a_change_of_a_sample_that_is_gone_is_no_change(
    view: SamplesPage, qtbot: QtBot, library: Library, services: Services
) -> None:
    choose(view, BURROWS.prompt, qtbot)
    with opened(library.database) as db:
        db.execute("DELETE FROM samples WHERE prompt = ?", (BURROWS.prompt,))
    retype(view.editor.answer, "352")
    with qtbot.waitSignal(services.background.failed) as failed:
        view.editor.save()
    assert failed.args is not None
    assert failed.args[0].hint
    assert not view.undo_bar.isVisible()
    assert view.editor.answer.toPlainText() == "352"


def test_the_note_is_shown_at_the_place(notes: NotesPage, view: SamplesPage, qtbot: QtBot) -> None:
    choose(view, CYLINDERS.prompt, qtbot)
    view.editor.open.click()
    qtbot.waitUntil(lambda: notes.preview.told.text() == "The answer is from here.")
    (marked,) = notes.preview.text.extraSelections()
    assert marked.cursor.selectedText() == "two cylinders"


def test_a_note_without_the_words_is_shown_at_its_top(
    notes: NotesPage, view: SamplesPage, qtbot: QtBot, library: Library
) -> None:
    gone = msgspec.structs.replace(CYLINDERS, prompt="Gone?", key="one", quote="three pistons")
    add_samples(library, "Engine", [gone])
    view.refresh()
    choose(view, "Gone?", qtbot)
    view.editor.open.click()
    qtbot.waitUntil(lambda: notes.preview.isVisible() and notes.preview.title.text() == "Engine")
    qtbot.wait(50)
    assert notes.preview.text.extraSelections() == []
    assert not notes.preview.told.isVisible()


def test_keys_go_to_and_fro(notes: NotesPage, qtbot: QtBot) -> None:
    notes.segments.take_focus()
    QTest.keyClick(notes.segments.buttons[0], Qt.Key.Key_Right)
    qtbot.waitUntil(notes.samples.isVisible)
    assert notes.samples.segments.buttons[1].hasFocus()
    QTest.keyClick(notes.samples.segments.buttons[1], Qt.Key.Key_Left)
    assert not notes.samples.isVisible()
    assert [b.isChecked() for b in notes.segments.buttons] == [True, False]


def test_adding_notes_shows_the_notes(
    stand_ins: None, launched: list[JobFolder], window: Window, qtbot: QtBot, library: Library
) -> None:
    add_notes(library)
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    page.show_samples()
    window.import_paths([library.home])
    assert not page.samples.isVisible()
    qtbot.waitUntil(lambda: bool(launched))


def test_an_import_meanwhile_does_not_take_the_view_away(
    notes: NotesPage, view: SamplesPage, qtbot: QtBot
) -> None:
    notes.refresh()
    qtbot.wait(50)
    assert view.isVisible()


def test_a_study_that_goes_on_is_seen(
    view: SamplesPage, qtbot: QtBot, make_run: RunMaker, library: Library, services: Services
) -> None:
    view._studying.setInterval(10)
    folder = make_run(steps=0, last=(protocol.StageBegan(stage="studying"),))
    lock = folder.lock()
    assert lock.acquire()
    qtbot.waitUntil(lambda: bool(services.watcher.active()))
    add_samples(library, "Recipes", [BURROWS])
    folder.append(protocol.Progress(done=1, total=3, unit="notes"))
    qtbot.waitUntil(lambda: view.totals.text() == "4 samples written, 3 kept")
    lock.release()


def test_every_filter_has_its_words() -> None:
    for reason in drop_reasons.REASONS:
        assert descriptions.reason(reason) != f"{reason[:1].upper()}{reason[1:]}."
        assert descriptions.reason_of_several(reason) != reason
    assert descriptions.reason("too odd") == "Too odd."


def is_read(view: SamplesPage, row: int) -> bool:
    return view.table.item(row) is not None


def test_a_hundred_thousand_samples_do_not_stall(
    notes: NotesPage, qtbot: QtBot, library: Library
) -> None:
    with opened(library.database) as db, transaction(db):
        (note,) = db.execute("SELECT id FROM notes WHERE title = 'Engine'").fetchone()
        db.executemany(
            "INSERT INTO samples (note_id, passage, writer, kind, prompt, answer, key, quote)"
            " VALUES (?, x'00', 'rules', 'name', ?, 'An answer', '', '')",
            [(note, f"Question {number}?") for number in range(100_000)],
        )
    notes.show_samples()
    view = notes.samples
    began = time.monotonic()
    qtbot.waitUntil(lambda: view.table.rowCount() == 100_003)
    with StallMeter() as meter:
        for row in (50_000, 100_000, 10):
            view.view.scrollTo(view.table.index(row, 0))
            view.view.selectRow(row)
            qtbot.waitUntil(functools.partial(is_read, view, row))
        view.search.setText("99999")
        view.search.textEdited.emit("99999")
        qtbot.waitUntil(lambda: view.table.rowCount() == 1)
    assert time.monotonic() - began < 5
    assert meter.longest_ms < 200
