"""The pages after a recorded night: its report, samples, chats, runs, and a filled bin."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.notes.groups import SKIPPED
from app.widgets.deletable_list import choose_row
from mlx_backend.jobs import JobFolder
from scripts.screenshots import recorded_library, recorded_variety
from scripts.screenshots.camera import Camera


def take_recorded_night(camera: Camera) -> None:
    """Take what there is after a night, in an order in which each page has what it needs."""
    library = camera.services.library
    run = recorded_library.record_night(library)
    camera.wait_for(lambda: camera.services.watcher.snapshot(run.id) is not None)
    talk = camera.in_library(recorded_library.record_talk)
    camera.in_library(recorded_library.record_samples)
    _take_report(camera, run)
    _take_grounded_chat(camera, talk)
    camera.show("adapters")
    camera.take("adapters")
    _take_samples(camera)
    _take_skipped(camera)
    _take_learning(camera)
    _take_study(camera)
    _take_markdown_note(camera)
    _take_markdown_chat(camera)
    camera.in_library(functools.partial(recorded_variety.fill_bin, library))
    camera.show("bin")
    camera.take("bin-filled")


def _take_report(camera: Camera, run: JobFolder) -> None:
    page = camera.tonight
    camera.window.show_page("tonight")
    page.show_run(run.id)
    camera.settle()
    camera.take("report")
    page.run.report.details.button.setChecked(True)
    camera.paint()
    camera.take_scrolled("report-end", page)


def _take_grounded_chat(camera: Camera, talk: int) -> None:
    """Take a chat from the notes, and the note that an answer cites."""
    page = camera.chat
    camera.window.show_page("chat")
    page.choose_adapter(recorded_library.NAME)
    page.session.open(talk)
    camera.settle()
    camera.take("chat-grounded")
    page.transcript.views[0].answers[recorded_library.NAME].sources.chips[0].click()
    camera.settle()
    camera.take("notes-cited")


def _take_samples(camera: Camera) -> None:
    page = camera.notes
    camera.window.show_page("notes")
    page.show_samples()
    camera.wait_for(lambda: page.samples.table.rowCount() > 0)
    camera.settle()
    choose_row(page.samples.view, 4)
    camera.settle()
    camera.take("samples")


def _take_skipped(camera: Camera) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("Harbour.jpg", "Puffin song.mp3", "Chart.dwg"):
            (Path(folder) / name).write_bytes(bytes(range(256)))
        camera.import_folder(Path(folder))
    camera.notes.chips.choose(SKIPPED)
    camera.settle()
    camera.take("notes-skipped")
    camera.notes.chips.choose("")


def _take_learning(camera: Camera) -> None:
    """Take a run that learns, and the same one when it was interrupted."""
    with _running(camera, recorded_library.record_learning(camera.services.library)):
        camera.take("tonight-learning")
    camera.settle()
    camera.take("tonight-interrupted")


def _take_study(camera: Camera) -> None:
    with _running(camera, recorded_library.record_study(camera.services.library)):
        camera.take("tonight-studying")


@contextmanager
def _running(camera: Camera, run: JobFolder) -> Iterator[None]:
    """Show a run, which counts as running as long as its lock is held."""
    lock = run.lock()
    lock.acquire()
    camera.window.show_page("tonight")
    camera.tonight.show_run(run.id)
    camera.wait_for(lambda: camera.tonight.run.run_id == run.id)
    camera.settle()
    yield
    lock.release()


def _take_markdown_note(camera: Camera) -> None:
    """Take a note with all that Markdown brings, as it was written and formatted."""
    page = camera.notes
    with tempfile.TemporaryDirectory() as folder:
        recorded_variety.write_note(Path(folder))
        camera.import_folder(Path(folder))
        camera.window.show_page("notes")
        page.search.setText(recorded_variety.NOTE)
        page.search.textEdited.emit(recorded_variety.NOTE)
        camera.wait_for(lambda: page.table.rowCount() == 1)
        choose_row(page.list, 0)
        formatted, source = page.preview.look.buttons
        for name, look in (("notes-source", source), ("notes-formatted", formatted)):
            look.click()
            camera.settle()
            camera.take(name)
    page.search.clear()


def _take_markdown_chat(camera: Camera) -> None:
    """Take an answer in Markdown; then words that were found, a renaming, and a trouble."""
    page, notices = camera.chat, camera.window.notices
    talk = camera.in_library(recorded_variety.record_talk)
    camera.window.show_page("chat")
    page.session.open(talk)
    camera.settle()
    camera.take("chat-markdown", lambda: page.transcript.verticalScrollBar().setValue(0))
    camera.take_scrolled("chat-markdown-end", page)
    page.focus_search()
    page.find_bar.field.setText("harbour")
    notices.show_repeated(recorded_variety.full_disk())
    page.sidebar.rename.open(page.sidebar.list.index(0, 0))
    camera.paint()
    camera.take("chat-find-rename-notice", lambda: page.find_bar.changed.emit("harbour"))
    page.find_bar.done.click()
    notices.forget_repeated()
