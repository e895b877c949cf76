"""The Tonight page while a run waits, is paused or stands in line, and the picture of the night."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from PySide6.QtCore import QTime
from pytestqt.qtbot import QtBot

from app.notes.page import NotesPage
from app.services import Services
from app.shell.window import Window
from app.tonight.page import TonightPage
from app.tonight.when_fields import WhenFields
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.locks import FileLock
from mlx_backend.protocol import TrainSpec, Waiting
from tests.app.filled import add_notes
from tests.app.recorded import RunMaker, record_job, step_done

RunHolder = Callable[[JobFolder], FileLock]

_FINISHED = protocol.Finished(result={"adapter": "Notes"})
_BEHIND = Waiting(reason="turn", text="It starts when 'First' is done.")
_IN_LINE = (protocol.Launched(), protocol.Started(pid=1), _BEHIND)


@pytest.fixture
def hold() -> Iterator[RunHolder]:
    """Holds a run's lock, as its process would."""
    locks: list[FileLock] = []

    def hold(folder: JobFolder) -> FileLock:
        lock = folder.lock()
        assert lock.acquire()
        locks.append(lock)
        return lock

    yield hold
    for lock in locks:
        lock.release()


@pytest.fixture
def page(stand_ins: None, services: Services, library: Library, qtbot: QtBot) -> TonightPage:
    add_notes(library)
    page = TonightPage(services)
    qtbot.addWidget(page)
    page.resize(1100, 800)
    page.show()
    return page


def make_waiting(library: Library, name: str, job_id: str) -> JobFolder:
    spec = TrainSpec(name=name, model="starter")
    return record_job(library.runs, spec, _IN_LINE, job_id)


def test_pause_and_continue(
    page: TonightPage, qtbot: QtBot, make_run: RunMaker, hold: RunHolder
) -> None:
    folder = make_run(steps=20)
    hold(folder)
    qtbot.waitUntil(page.run.pause.isVisible)
    page.run.pause.click()
    qtbot.waitUntil(folder.pause_requested)
    qtbot.waitUntil(lambda: "Pausing" in page.run.sentence.text())
    folder.append(Waiting(reason="paused", text="Paused. It goes on when you continue it."))
    qtbot.waitUntil(page.run.resume.isVisible)
    assert page.run.sentence.text() == "Paused. It goes on when you continue it."
    assert not page.run.pause.isVisible()
    page.run.resume.click()
    qtbot.waitUntil(lambda: not folder.pause_requested())
    folder.append(protocol.WaitOver())
    qtbot.waitUntil(page.run.pause.isVisible)
    assert not page.run.resume.isVisible()


def test_second_start_stands_in_line(
    page: TonightPage,
    qtbot: QtBot,
    make_run: RunMaker,
    hold: RunHolder,
    launched: list[JobFolder],
) -> None:
    hold(make_run(name="First", job_id="20261122-220000-aaaa"))
    qtbot.waitUntil(page.run.isVisible)
    page.run.another.click()
    qtbot.waitUntil(page.plan.start.isEnabled)
    assert "It starts when “First” is done." in page.plan.sentence.text()
    assert page.plan.plan is None, "nothing is measured beside a run"
    page.plan.name.setText("Second")
    page.plan.start.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    hold(launched[0])
    for event in _IN_LINE:
        launched[0].append(event)
    qtbot.waitUntil(lambda: len(page.queue.rows) == 1)
    row = page.queue.rows[0]
    assert row.name.text() == "Second"
    assert row.why.text() == "It starts when 'First' is done."
    assert page.run.title.text() == "Second"
    assert page.run.stop.text() == "Remove"


def test_line_is_in_its_order_and_what_has_not_begun_can_be_removed(
    page: TonightPage, qtbot: QtBot, make_run: RunMaker, hold: RunHolder, library: Library
) -> None:
    hold(make_run(name="First", job_id="20261122-220000-aaaa"))
    later = make_waiting(library, "Later", "20261122-230000-cccc")
    sooner = make_waiting(library, "Sooner", "20261122-223000-bbbb")
    hold(later)
    lock = hold(sooner)
    qtbot.waitUntil(lambda: [r.name.text() for r in page.queue.rows] == ["Sooner", "Later"])
    assert page.run.title.text() == "First", "what is at work is shown, not what waits"
    page.queue.rows[0].remove.click()
    qtbot.waitUntil(sooner.stop_requested)
    assert sooner.path.exists(), "not before its process has ended"
    sooner.append(protocol.Stopped())
    lock.release()
    qtbot.waitUntil(lambda: not sooner.path.exists())
    qtbot.waitUntil(lambda: [r.name.text() for r in page.queue.rows] == ["Later"])


def test_removing_what_has_learned_something_only_stops_it(
    services: Services, qtbot: QtBot, make_run: RunMaker, hold: RunHolder
) -> None:
    folder = make_run(steps=5, last=(protocol.CheckpointSaved(step=5), _BEHIND))
    lock = hold(folder)
    qtbot.waitUntil(lambda: services.watcher.snapshot(folder.id) is not None)
    with qtbot.waitSignal(services.watcher.job_ended):
        services.watcher.remove(folder.id)
        qtbot.waitUntil(folder.stop_requested)
        folder.append(protocol.Stopped(step=5))
        lock.release()
    assert folder.path.exists()


@pytest.mark.parametrize("saved", ["step", "study"])
def test_what_began_before_it_heard_that_it_is_to_go_stays(
    services: Services, qtbot: QtBot, library: Library, hold: RunHolder, saved: str
) -> None:
    folder = make_waiting(library, "Mine", "20261122-220000-aaaa")
    lock = hold(folder)
    qtbot.waitUntil(lambda: services.watcher.snapshot(folder.id) is not None)
    with qtbot.waitSignal(services.watcher.job_ended):
        services.watcher.remove(folder.id)  # of what was seen last, it waits
        qtbot.waitUntil(folder.stop_requested)
        folder.append(protocol.WaitOver())
        if saved == "step":
            folder.append(step_done(1))
        else:
            folder.study_record.write_text("{}")
        folder.append(protocol.Stopped())
        lock.release()
    qtbot.waitUntil(lambda: not services.watcher._reader._doomed)
    assert folder.path.exists()


def test_hours_and_prompt_go_into_the_run(
    page: TonightPage, qtbot: QtBot, launched: list[JobFolder]
) -> None:
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    assert page.plan.schedule.text().startswith("Starts now, done by about ")
    page.plan.when.start.check.setChecked(True)
    page.plan.when.finish.check.setChecked(True)
    assert page.plan.schedule.text().startswith("Starts at 23:00")
    page.plan.prompt.setText(" Who am I? ")
    page.plan.start.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    spec = launched[0].spec()
    assert isinstance(spec, TrainSpec)
    assert spec.prompt == "Who am I?"
    assert spec.steps is None, "the run plans its steps when it has studied"
    assert spec.start_at is not None
    assert spec.finish_by is not None
    assert datetime.datetime.fromtimestamp(spec.start_at).strftime("%H:%M") == "23:00"
    assert datetime.datetime.fromtimestamp(spec.finish_by).strftime("%H:%M") == "07:00"
    assert 0 < spec.finish_by - spec.start_at < 86_400


def test_too_few_hours_are_said_and_leave_the_steps_to_the_run(
    page: TonightPage, qtbot: QtBot, launched: list[JobFolder]
) -> None:
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    page.plan.when.start.check.setChecked(True)
    page.plan.when.finish.check.setChecked(True)
    page.plan.when.finish.edit.setTime(QTime(23, 5))
    assert "with what it has learned until then" in page.plan.schedule.text()
    page.plan.start.click()
    qtbot.waitUntil(lambda: len(launched) == 1)
    spec = launched[0].spec()
    assert isinstance(spec, TrainSpec)
    assert spec.steps is None


@pytest.mark.parametrize(
    ("now", "begins", "ends"),
    [
        ("2026-11-23 21:00", "2026-11-23 23:00", "2026-11-24 07:00"),
        ("2026-11-24 01:00", "2026-11-24 23:00", "2026-11-25 07:00"),
        ("2026-12-31 23:00", "2027-01-01 23:00", "2027-01-02 07:00"),
    ],
)
def test_an_hour_is_the_next_one_that_comes(qtbot: QtBot, now: str, begins: str, ends: str) -> None:
    fields = WhenFields()
    qtbot.addWidget(fields)
    moment = datetime.datetime.fromisoformat(now).timestamp()
    assert fields.hours(8, moment).start_at is None
    fields.start.check.setChecked(True)
    fields.finish.check.setChecked(True)
    hours = fields.hours(8, moment)
    assert hours.start_at == datetime.datetime.fromisoformat(begins).timestamp()
    assert hours.finish_by == datetime.datetime.fromisoformat(ends).timestamp()


def test_what_it_says_is_listed_with_the_newest_first(
    page: TonightPage, qtbot: QtBot, library: Library, hold: RunHolder
) -> None:
    spec = TrainSpec(name="Notes", model="starter", prompt="Who <b>am</b> I?")
    events: tuple[protocol.JobEvent, ...] = (
        protocol.Launched(),
        protocol.Started(pid=1),
        step_done(10),
        protocol.Spoke(step=10, prompt=spec.prompt, text="A seabird."),
        protocol.Spoke(step=20, prompt=spec.prompt, text="<img src='file:///etc/passwd'>"),
    )
    folder = record_job(library.runs, spec, events)
    hold(folder)
    qtbot.waitUntil(lambda: len(page.run.spoken.answers) == 2)
    assert page.run.spoken.isVisible()
    assert page.run.spoken.prompt.text() == "“Who <b>am</b> I?”"
    newest, oldest = page.run.spoken.answers
    assert newest.text.text() == "<img src='file:///etc/passwd'>"
    assert newest.when.text().startswith("At ")
    assert oldest.text.text() == "A seabird."
    folder.append(protocol.Spoke(step=20, prompt=spec.prompt, text="Said again after a restart."))
    qtbot.waitUntil(lambda: newest.text.text() == "Said again after a restart.")
    assert len(page.run.spoken.answers) == 2


def test_what_came_of_a_run_is_told_until_it_was_seen(
    stand_ins: None, window: Window, qtbot: QtBot, make_run: RunMaker
) -> None:
    make_run(name="Notes", last=(_FINISHED,))
    qtbot.waitUntil(lambda: window.strip.what.text() == "“Notes” is ready")
    assert window.strip.chat.isVisible()
    window.show_page("tonight")
    page = window.page("tonight")
    assert isinstance(page, TonightPage)
    qtbot.waitUntil(page.run.chat.isVisible)
    assert window.strip.what.text() == "“Notes” is ready"
    window.show_page("notes")
    assert not window.strip.isVisible()
    assert not window.strip.chat.isVisible()
    assert window.news.latest() is None


def test_the_strip_leads_to_the_chat_with_what_is_new(
    stand_ins: None, window: Window, qtbot: QtBot, make_run: RunMaker
) -> None:
    make_run(name="Notes", last=(protocol.Finished(result={"adapter": "Notes 2"}),))
    qtbot.waitUntil(window.strip.chat.isVisible)
    with qtbot.waitSignal(window.strip.chat_wanted) as wanted:
        window.strip.chat.click()
    assert wanted.args == ["Notes 2"]
    assert not window.strip.isVisible()


def test_study_shows_how_far_it_is(
    stand_ins: None, window: Window, qtbot: QtBot, make_run: RunMaker, hold: RunHolder
) -> None:
    folder = make_run(steps=0, last=(protocol.StageBegan(stage="studying"),))
    hold(folder)
    window.show_page("tonight")
    page, strip = cast(TonightPage, window.page("tonight")), window.strip
    qtbot.waitUntil(page.run.isVisible)
    folder.append(protocol.Progress(done=0, total=0, unit="notes", remaining_s=600))
    qtbot.waitUntil(lambda: strip.detail.text() == "Studying your notes, about 10 minutes left")
    assert "about 10 minutes of study left" in page.run.figures.accessible_text()
    assert page.run.sentence.text() == "Studying your notes…"
    on_the_way = protocol.Progress(
        done=2, total=12, unit="notes", text="9 samples kept", remaining_s=300
    )
    folder.append(on_the_way)
    in_short = "Studying your notes: 2 of 12 notes, about 5 minutes left"
    qtbot.waitUntil(lambda: strip.detail.text() == in_short)
    folder.append(protocol.Progress(done=3, total=12, unit="notes", text="31 samples kept"))
    says = "Studying your notes: 3 of 12 notes, 31 samples kept…"
    qtbot.waitUntil(lambda: page.run.sentence.text() == says)
    qtbot.waitUntil(lambda: strip.detail.text() == says)
    assert (strip.bar.value(), strip.bar.maximum()) == (3, 12)
    assert (page.run.bar.value(), page.run.bar.maximum()) == (3, 12)
    figures = page.run.figures.accessible_text()
    assert "3 of 12 notes studied" in figures
    assert "31 samples kept" in figures
    assert not page.run.chart.isVisible()
    page.run.samples.click()
    notes = cast(NotesPage, window.page("notes"))
    assert notes.samples.segments.isVisibleTo(notes)

    window.show_page("tonight")
    folder.append(protocol.StageBegan(stage="training"))
    folder.append(step_done(1))
    qtbot.waitUntil(page.run.chart.isVisible)
    assert not page.run.samples.isVisible()
    folder.append(protocol.StageBegan(stage="checking"))
    folder.append(protocol.Progress(done=0, total=0, unit="steps", remaining_s=120))
    left = "about 2 minutes of checking left"
    qtbot.waitUntil(lambda: left in page.run.figures.accessible_text())
    assert strip.detail.text().endswith(", about 2 minutes left")
