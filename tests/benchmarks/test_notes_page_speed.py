"""Whether the Notes page ever stalls with 50,000 notes, and how long each thing takes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.notes.page import NotesPage
from app.services import Services, make_services
from app.shell.window import Window
from mlx_backend.library import Library
from mlx_backend.library.database import connect
from mlx_backend.library.folder_decisions import FolderDecisions
from mlx_backend.library.note_browsing import Browsing, NoteFilter
from mlx_backend.library.notes import NewNote, Notes, Span
from tests.benchmarks.stalls import StallMeter

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

_NOTES = 50_000
_PATIENCE_MS = 60_000
_LONGEST_STALL_MS = 100
_SEARCHES = ("harbour", "puf", "donkey ink", "tide table", "gull 17", "lantern", "rope sh")
_LETTERS = ("a", "t", "é", "1")  # each finds nearly all notes, or a good part of them


def invented(number: int, draw: random.Random, words: list[str]) -> NewNote:
    text = " ".join(draw.choices(words, k=draw.randint(20, 240)))
    return NewNote(
        path=f"/notes/area {number % 12}/topic {number % 240}/note {number:05}.md",
        source="/notes",
        title=f"Note {number}",
        text=text,
        sha256=str(number),
        words=text.count(" ") + 1,
        tokens=len(text) // 4,
        passages=(Span(0, len(text), ""),),
        kind=draw.choice(("markdown", "markdown", "pdf", "mail")),
        created=1.2e9 + number * 10_000,
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """50,000 invented notes in 240 folders: few words in many notes, many words in a few."""
    draw = random.Random(1)
    rare = ["".join(draw.choices("abcdefghilmnoprstu", k=draw.randint(3, 9))) for _ in range(5000)]
    words = ["the", "of", "a", "tide", "table"] * 400 + rare
    words += ["harbour", "puffin", "donkey", "ink", "gull", "lantern", "rope", "shop"] * 3
    library = Library.open(tmp_path_factory.mktemp("library"))
    connection = connect(library.database)
    for first in range(0, _NOTES, 1000):
        Notes(connection).save(invented(n, draw, words) for n in range(first, first + 1000))
    connection.close()
    return library


@pytest.fixture
def services(filled: Library, qapp: QApplication) -> Iterator[Services]:
    services = make_services(filled, qapp)
    yield services
    services.close()


@contextmanager
def measured(what: str, qtbot: QtBot, until: Callable[[], bool]) -> Iterator[None]:
    """Measure what is done in the block, until its outcome is on the screen."""
    began = time.perf_counter()
    with StallMeter() as meter:
        yield
        qtbot.waitUntil(until, timeout=_PATIENCE_MS)
        took = time.perf_counter() - began
        qtbot.wait(300)
    print(f"{what}: {took * 1000:.0f} ms, {meter.describe()}")
    assert meter.longest_ms < _LONGEST_STALL_MS, what


def is_drawn(page: NotesPage, notes: int) -> bool:
    """Whether the list has so many notes, and those in view are read."""
    row = page.list.rowAt(0)
    return (
        page.table.rowCount() == notes and row >= 0 and page.table.index(row, 0).data() is not None
    )


def times_of(filled: Library, searches: tuple[str, ...]) -> list[float]:
    """How long each search takes until its first rows are there, in ms, three times over."""
    browsing = Browsing(connect(filled.database))
    times = []
    for search in searches * 3:
        began = time.perf_counter()
        browsing.rows(browsing.ids(NoteFilter(search))[:64])
        times.append((time.perf_counter() - began) * 1000)
    what = f"searches for {', '.join(searches)} among {_NOTES:,} notes"
    print(f"\n{what}: median {median(times):.1f} ms, worst {max(times):.0f} ms")
    return times


@pytest.mark.parametrize("searches", [_SEARCHES, _LETTERS], ids=["words", "letters"])
def test_searches_in_the_engine(filled: Library, searches: tuple[str, ...]) -> None:
    assert median(times_of(filled, searches)) < 50


def test_leaving_out_a_folder(filled: Library) -> None:
    decisions = FolderDecisions(connect(filled.database))
    began = time.perf_counter()
    decision = decisions.decide("/notes", included=False)
    left_out = time.perf_counter() - began
    decisions.take_back(decision)
    whole = time.perf_counter() - began
    print(f"\nleave out {decision.notes:,} notes: {left_out:.2f} s, undo {whole - left_out:.2f} s")
    assert decision.notes == _NOTES
    assert whole < 5


def test_notes_page_never_stalls(services: Services, qtbot: QtBot, tmp_path: Path) -> None:
    print()
    window = Window(services)
    qtbot.addWidget(window)
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    with measured("open", qtbot, lambda: is_drawn(page, _NOTES)):
        window.show()
    bar = page.list.verticalScrollBar()
    with measured("scroll", qtbot, lambda: is_drawn(page, _NOTES)):
        for place in range(0, bar.maximum(), bar.maximum() // 200):
            bar.setValue(place)
            qtbot.wait(10)
    everything = page.totals.text()
    with measured("search as you type", qtbot, lambda: "found" in page.totals.text()):
        QTest.keyClicks(page.search, "the harbour", delay=60)
    with measured("end the search", qtbot, lambda: is_drawn(page, _NOTES)):
        page.search.clear()
    folder = page.tree.index_of("/notes")
    with measured("open a folder", qtbot, lambda: page.tree.rowCount(folder) == 12):
        page.folders.view.expand(folder)
    with measured("choose a folder", qtbot, lambda: is_drawn(page, len(range(0, _NOTES, 12)))):
        page.folders.choose("/notes/area 0")
    with measured("choose all notes", qtbot, lambda: is_drawn(page, _NOTES)):
        page.folders.choose("")
    with measured("select all", qtbot, lambda: page.preview.title.text() == "50,000 notes"):
        page.list.selectAll()
    with measured("leave out all", qtbot, lambda: page.totals.text().startswith("0 notes")):
        page.list.inclusion_wanted.emit(False)
    with measured("bring back all", qtbot, lambda: page.totals.text() == everything):
        page.undo_bar.button.click()
