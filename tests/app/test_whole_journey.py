"""The person's whole journey, through the real window, with the real starter model."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from pytestqt.qtbot import QtBot

from app.adapters.page import AdaptersPage
from app.chat.exchanges import Phase
from app.chat.page import ChatPage
from app.notes.note_table_model import STATE
from app.notes.page import NotesPage
from app.services import Services
from app.shell.window import Window
from app.tonight.page import TonightPage
from mlx_backend.jobs import JobState
from mlx_backend.library.adapters import CONFIG, WEIGHTS
from mlx_backend.library.models import STARTER, read_model
from mlx_backend.machine.cores import FIXED_CORES
from tests.app.shell.test_window import drop
from tests.mlx_backend.tiny import keep_general_answers

NOTES = {
    "boat.md": "# The boat\n\nThe boat is called the Footnote. It carries books to the islands.\n",
    "engine.txt": "The engine has two cylinders. It wants oil every forty hours.\n",
}
_PATIENCE_MS = 400_000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_a_dropped_folder_to_an_exported_adapter(
    real_starter: Path,
    window: Window,
    services: Services,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link_starter(real_starter, services.library.models / STARTER)
    monkeypatch.setenv(FIXED_CORES, "1")  # other tests have the rest
    services.preferences.change(hours=0.05, passes=1, max_tokens=16, temperature=0.0)
    add_notes(window, services, qtbot, tmp_path)
    name = train(window, services, qtbot)
    chat(window, qtbot, name)
    export(window, services, qtbot, tmp_path / "exported")


def link_starter(real_starter: Path, folder: Path) -> None:
    """The real model, which has said already what it would say to general questions.

    What it says takes a minute; `tests/mlx_backend/test_journey.py` has it say that for real.
    """
    folder.mkdir()
    for path in real_starter.iterdir():
        if not path.name.startswith("general_"):
            (folder / path.name).hardlink_to(path)
    keep_general_answers(folder, read_model(folder.parent, STARTER).card.sha256)


def add_notes(window: Window, services: Services, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "my notes"
    folder.mkdir()
    for file, text in NOTES.items():
        (folder / file).write_text(text)
    drop(window, [folder])
    page = cast(NotesPage, window.page("notes"))
    qtbot.waitUntil(lambda: page.table.rowCount() == len(NOTES), timeout=_PATIENCE_MS)
    qtbot.waitUntil(lambda: not services.imports.is_busy, timeout=_PATIENCE_MS)
    rows = range(len(NOTES))  # they are read behind the window's back
    qtbot.waitUntil(lambda: {page.table.index(row, STATE).data() for row in rows} == {"New"})


def train(window: Window, services: Services, qtbot: QtBot) -> str:
    window.show_page("tonight")
    page = cast(TonightPage, window.page("tonight"))
    qtbot.waitUntil(lambda: page.plan.plan is not None, timeout=_PATIENCE_MS)
    assert page.plan.sentence.text().startswith("Tonight I will study 2 notes")
    name = page.plan.name.text()
    page.plan.start.click()
    qtbot.waitUntil(page.run.stop.isVisible, timeout=_PATIENCE_MS)
    qtbot.waitUntil(lambda: page.run.chart.points()[0] > 0, timeout=_PATIENCE_MS)
    assert page.run.chart.is_drawn
    qtbot.waitUntil(lambda: not services.watcher.active(), timeout=_PATIENCE_MS)
    (run,) = services.watcher.runs()
    assert run.state is JobState.FINISHED, run.status.error
    qtbot.waitUntil(lambda: page.run.has_report)
    assert page.run.title.text() == run.status.result["verdict"]
    assert name in page.run.sentence.text()
    page.run.chat.click()
    return name


def chat(window: Window, qtbot: QtBot, name: str) -> None:
    page = cast(ChatPage, window.page("chat"))
    assert page.isVisible()
    qtbot.waitUntil(lambda: page.answerer.chosen.adapter == name)
    lengths: set[int] = set()
    page.session.answer_changed.connect(lambda _, answer: lengths.add(len(answer.text)))
    page.answerer.grounded.click()
    page.answerer.compare.click()
    page.input.set_text("What is the boat called?")
    page.send.click()
    qtbot.waitUntil(
        lambda: len(page.session.exchanges[0].answers) == 2 and not page.session.is_busy,
        timeout=_PATIENCE_MS,
    )
    answers = page.session.exchanges[0].answers
    assert [answer.adapter for answer in answers] == [name, None]
    assert all(answer.phase is Phase.DONE and answer.text.strip() for answer in answers)
    assert len(lengths) > 3  # it came piece by piece


def export(window: Window, services: Services, qtbot: QtBot, to: Path) -> None:
    window.show_page("adapters")
    page = cast(AdaptersPage, window.page("adapters"))
    qtbot.waitUntil(lambda: page.table.rowCount() == 1)
    page.detail.start_export(to)
    qtbot.waitUntil(
        lambda: any(job.state.is_over and is_export(job.spec) for job in services.watcher.jobs()),
        timeout=_PATIENCE_MS,
    )
    (job,) = (job for job in services.watcher.jobs() if is_export(job.spec))
    assert job.state is JobState.FINISHED, job.status.error
    assert job.status.result["verified"] is True
    assert (to / WEIGHTS).is_file()
    assert (to / CONFIG).is_file()


def is_export(spec: object) -> bool:
    from mlx_backend.protocol import ExportSpec

    return isinstance(spec, ExportSpec)
