from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.jobs.chat_worker import ChatWorker
from app.jobs.memory_release import MemoryKeeper
from app.jobs.watcher import JobWatcher
from app.services import Services
from app.tonight.page import TonightPage, default_name
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library import Library
from mlx_backend.locks import held
from mlx_backend.protocol import LoadRequest, TrainSpec
from tests.app.filled import TEXTS, add_adapter, add_notes
from tests.app.keyboard import compose, paste
from tests.app.recorded import RunMaker, record_job, step_done

PageMaker = Callable[[], TonightPage]

_FINISHED = protocol.Finished(result={"adapter": "Notes"})


def test_without_notes_there_is_one_next_step(make_page: PageMaker, qtbot: QtBot) -> None:
    page = make_page()
    qtbot.waitUntil(page.empty.isVisible)
    with qtbot.waitSignal(page.add_notes_wanted):
        QTest.mouseClick(page.empty.button, Qt.MouseButton.LeftButton)


def test_plan_is_one_sentence_of_plain_words(
    make_page: PageMaker, qtbot: QtBot, library: Library
) -> None:
    add_notes(library)
    words = sum(len(text.split()) for text in TEXTS.values())
    page = make_page()
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    assert page.plan.sentence.text() == (
        f"Tonight I will study 3 notes ({words} words)."
        " That takes about 12 minutes and 2.1 GB of memory."
    )
    assert re.fullmatch(r"Notes \d+ [A-Z][a-z]+", page.plan.name.text())
    assert not page.plan.warning.isVisible()


def test_name_is_checked_while_it_is_typed(
    make_page: PageMaker, qtbot: QtBot, library: Library
) -> None:
    add_notes(library)
    add_adapter(library, "Work")
    page = make_page()
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    for name, is_good in (("Work", False), ("../evil", False), ("", False), ("Work 2", True)):
        page.plan.name.clear()
        QTest.keyClicks(page.plan.name, name)
        assert page.plan.start.isEnabled() is is_good
        assert page.plan.name_problem.isVisible() is not is_good
    page.refresh()
    qtbot.wait(50)
    assert page.plan.name.text() == "Work 2"


def test_names_of_any_script_are_good_and_none_is_cut(
    make_page: PageMaker, qtbot: QtBot, library: Library, launched: list[JobFolder]
) -> None:
    add_notes(library)
    add_adapter(library, "Müller")
    page = make_page()
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    for name, is_good in (
        ("MU\u0308LLER", False),
        ("夏の日記", True),
        ("a\u202eb", False),
        ("x" * 65, False),
        ("Mu\u0308ller 2", True),
    ):
        page.plan.name.clear()
        paste(page.plan.name, name)
        assert page.plan.name.text() == name
        assert page.plan.start.isEnabled() is is_good, name
    paste(page.plan.prompt, "Why? " * 100)
    assert "500 characters" not in page.plan.name_problem.text()
    assert "has 499 characters; 400 fit" in page.plan.name_problem.text()
    assert not page.plan.start.isEnabled()
    page.plan.prompt.clear()
    paste(page.plan.prompt, "Why?")
    compose(page.plan.name, "に")
    QTest.keyClick(page.plan.name, Qt.Key.Key_Return)
    assert launched == []
    compose(page.plan.name, "")
    QTest.keyClick(page.plan.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(launched))
    spec = launched[0].spec()
    assert isinstance(spec, TrainSpec)
    assert spec.name == "M\u00fcller 2"


def test_default_name_is_not_in_use() -> None:
    now = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
    assert default_name(frozenset(), now) == "Notes 23 November"
    taken = frozenset({"Notes 23 November", "Notes 23 November 2"})
    assert default_name(taken, now) == "Notes 23 November 3"


def test_start_begins_a_run_with_the_settings(
    make_page: PageMaker,
    qtbot: QtBot,
    library: Library,
    launched: list[JobFolder],
    services: Services,
) -> None:
    add_notes(library)
    services.preferences.change(passes=3, hours=0.5, embeddings=True, canaries=True)
    page = make_page()
    qtbot.waitUntil(page.plan.start.isEnabled)
    page.plan.name.setText("First night")
    QTest.mouseClick(page.plan.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.run.isVisible)
    (folder,) = launched
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    assert (spec.name, spec.model, spec.passes, spec.hours) == ("First night", "starter", 3, 0.5)
    assert spec.embeddings
    assert spec.canaries
    assert page.run.title.text() == "First night"


def test_running_shows_numbers_and_live_curves(
    make_page: PageMaker, qtbot: QtBot, make_run: RunMaker, services: Services
) -> None:
    folder = make_run(name="Tonight's", steps=20)
    lock = folder.lock()
    assert lock.acquire()
    page = make_page()
    qtbot.waitUntil(lambda: page.run.isVisible() and page.run.chart.is_drawn)
    assert page.run.chart.points() == (20, 1)
    assert "Learning your notes" in page.run.sentence.text()
    texts = page.run.figures.accessible_text()
    assert "20 percent of the learning" in texts
    assert "tokens" not in texts
    assert "2.1 GB memory at most" in texts
    assert "about 2 minutes left" in texts

    folder.append(step_done(21))
    qtbot.waitUntil(lambda: page.run.chart.points() == (21, 1))

    QTest.mouseClick(page.run.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(folder.stop_requested)
    qtbot.waitUntil(lambda: "Stopping" in page.run.sentence.text())
    folder.append(protocol.Stopped(step=21))
    lock.release()
    qtbot.waitUntil(page.run.resume.isVisible)
    assert "after 21 percent of the learning" in page.run.sentence.text()


def test_finished_run_leads_to_chat(make_page: PageMaker, qtbot: QtBot, make_run: RunMaker) -> None:
    held_out = protocol.Evaluated(step=100, loss=1.5)
    make_run(name="Notes", steps=100, last=(held_out, _FINISHED))
    page = make_page()
    qtbot.waitUntil(page.run.isVisible)
    assert "I studied 25 notes" in page.run.sentence.text()
    assert "closer than before" in page.run.sentence.text()
    with qtbot.waitSignal(page.chat_wanted) as wanted:
        QTest.mouseClick(page.run.chat, Qt.MouseButton.LeftButton)
    assert wanted.args == ["Notes"]


@pytest.mark.parametrize(
    ("last", "says"),
    [
        ((protocol.Stopped(step=20),), "You stopped this run after 20 percent of the learning."),
        ((), "This run was interrupted after 20 percent of the learning"),
        (
            (
                protocol.Failed(
                    error=protocol.ErrorReport(kind="disk_full", message="Full.", hint="Free some.")
                ),
            ),
            "Full. Free some.",
        ),
    ],
)
def test_a_run_that_did_not_finish_can_go_on(
    make_page: PageMaker,
    qtbot: QtBot,
    make_run: RunMaker,
    launched: list[JobFolder],
    last: tuple[protocol.JobEvent, ...],
    says: str,
) -> None:
    folder = make_run(last=last)
    page = make_page()
    qtbot.waitUntil(page.run.isVisible)
    assert says in page.run.sentence.text()
    QTest.mouseClick(page.run.resume, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: [job.path for job in launched] == [folder.path])
    qtbot.waitUntil(lambda: not page.run.resume.isVisible())


def test_earlier_runs_can_be_looked_at_again(
    make_page: PageMaker, qtbot: QtBot, make_run: RunMaker, library: Library
) -> None:
    add_notes(library)
    make_run(name="Older", steps=5, last=(protocol.Stopped(),), job_id="20261101-220000-aaaa")
    make_run(name="Newer", steps=7, last=(protocol.Stopped(),), job_id="20261102-220000-aaaa")
    page = make_page()
    qtbot.waitUntil(lambda: page.run.title.text() == "Newer")
    page.history.view.selectRow(1)
    assert page.run.title.text() == "Older"
    assert page.run.chart.points() == (5, 1)
    QTest.mouseClick(page.run.another, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    assert page.plan.isVisible()


def test_old_success_makes_way_for_the_next_plan(
    make_page: PageMaker, qtbot: QtBot, make_run: RunMaker, library: Library
) -> None:
    add_notes(library)
    make_run(last=(protocol.Finished(at=1000.0, result={}),))
    page = make_page()
    qtbot.waitUntil(lambda: page.plan.plan is not None)
    assert page.plan.isVisible()
    qtbot.waitUntil(page.history.isVisible)


def test_hostile_names_and_messages_stay_text(
    make_page: PageMaker, qtbot: QtBot, make_run: RunMaker
) -> None:
    error = protocol.ErrorReport(kind="internal", message="<img src='file:///etc/passwd'>")
    make_run(name="<b>bold</b>", last=(protocol.Failed(error=error),))
    page = make_page()
    qtbot.waitUntil(page.run.isVisible)
    for part in (page.run.title, page.run.sentence):
        assert part.textFormat() == Qt.TextFormat.PlainText
    assert page.run.title.text() == "<b>bold</b>"


def test_chat_gives_its_memory_back_where_both_do_not_fit(
    worker: ChatWorker, watcher: JobWatcher, qtbot: QtBot, make_run: RunMaker
) -> None:
    keeper = MemoryKeeper(watcher, worker, available=lambda: 2_500_000_000)
    worker.load(LoadRequest(id="load"))
    qtbot.waitUntil(lambda: worker.loaded_bytes > 0)
    begun: list[int] = []

    def begin() -> str:
        begun.append(worker.loaded_bytes)
        return watcher.start(protocol.TrainSpec(name="Notes", model="starter"))

    keeper.make_room(1_000_000_000, begin)
    assert begun == [540_000_000]
    assert not keeper.resting

    keeper.make_room(2_600_000_000, begin)
    assert keeper.resting
    qtbot.waitUntil(lambda: len(begun) == 2)
    assert begun[1] == 0
    assert keeper.resting


def test_the_chat_wakes_at_once_where_the_run_cannot_go_on(
    worker: ChatWorker, watcher: JobWatcher, qtbot: QtBot
) -> None:
    keeper = MemoryKeeper(watcher, worker, available=lambda: 1)
    worker.load(LoadRequest(id="load"))
    qtbot.waitUntil(lambda: worker.loaded_bytes > 0)
    keeper.make_room(2, lambda: "deleted meanwhile")
    assert keeper.resting
    qtbot.waitUntil(lambda: not keeper.resting)


GARDEN = protocol.ReceiveSpec(source="/from/Ana/garden.overnight", name="garden")


def test_the_end_of_another_job_does_not_wake_the_chat(
    library: Library, worker: ChatWorker, watcher: JobWatcher, qtbot: QtBot, make_run: RunMaker
) -> None:
    keeper = MemoryKeeper(watcher, worker, available=lambda: 2_500_000_000)
    worker.load(LoadRequest(id="load"))
    qtbot.waitUntil(lambda: worker.loaded_bytes > 0)
    run: JobFolder = make_run(last=(waits_for(3_000_000_000),))
    other = record_job(library.jobs, GARDEN, (protocol.Launched(), protocol.Started(pid=1)))
    lock, other_lock = run.lock(), other.lock()
    assert lock.acquire()
    assert other_lock.acquire()
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    qtbot.waitUntil(lambda: keeper.resting)
    with qtbot.waitSignal(watcher.job_ended) as ended:
        other_lock.release()  # it fails its check
    assert ended.args == [other.id]
    assert keeper.resting
    with qtbot.waitSignal(keeper.resting_changed):
        lock.release()


def test_the_chat_wakes_when_publishing_only_sends(
    library: Library, worker: ChatWorker, watcher: JobWatcher, qtbot: QtBot
) -> None:
    keeper = MemoryKeeper(watcher, worker, available=lambda: 500_000_000)
    spec = protocol.PublishSpec(name="Notes", adapter="1", repo="Notes")
    begun = (
        protocol.Launched(),
        protocol.Started(pid=1),
        protocol.StageBegan(stage="privacy"),
    )
    folder = record_job(library.jobs, spec, begun)
    with held(folder.path / "lock"):
        with qtbot.waitSignal(watcher.settled):
            watcher.begin()
        qtbot.waitUntil(lambda: bool(watcher.active()))
        assert not keeper.may_answer(540_000_000)
        with qtbot.waitSignal(keeper.resting_changed):
            folder.append(protocol.StageBegan(stage="publishing"))
        assert keeper.may_answer(540_000_000)


def test_a_run_that_goes_on_makes_room_too(
    make_page: PageMaker,
    services: Services,
    qtbot: QtBot,
    make_run: RunMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = make_run(last=(protocol.Stopped(),))
    page = make_page()
    qtbot.waitUntil(page.run.resume.isVisible)
    wanted: list[int] = []
    monkeypatch.setattr(services.keeper, "make_room", lambda needed, then: wanted.append(needed))
    page.run.resume.click()
    latest = run.status().latest
    assert wanted == [latest.peak_bytes if latest else 0]


def waits_for(needed: int) -> protocol.Waiting:
    return protocol.Waiting(reason="memory", text="It needs memory.", needed_bytes=needed)


@pytest.mark.parametrize(("needed", "rests"), [(3_000_000_000, True), (3_100_000_000, False)])
def test_a_run_that_waits_for_memory_by_itself_gets_the_chats(
    worker: ChatWorker,
    watcher: JobWatcher,
    qtbot: QtBot,
    make_run: RunMaker,
    needed: int,
    rests: bool,
) -> None:
    keeper = MemoryKeeper(watcher, worker, available=lambda: 2_500_000_000)
    worker.load(LoadRequest(id="load"))
    qtbot.waitUntil(lambda: worker.loaded_bytes == 540_000_000)
    folder: JobFolder = make_run(last=(waits_for(needed),))
    lock = folder.lock()
    assert lock.acquire()
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    qtbot.waitUntil(lambda: watcher.snapshot(folder.id) is not None)
    assert keeper.resting is rests
    if rests:
        qtbot.waitUntil(lambda: worker.loaded_bytes == 0)
        with qtbot.waitSignal(keeper.resting_changed):
            lock.release()  # it ends, and the chat wakes
        assert not keeper.resting


def test_the_chat_rests_as_soon_as_its_memory_is_all_that_lacks(
    worker: ChatWorker,
    watcher: JobWatcher,
    qtbot: QtBot,
    make_run: RunMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.jobs.memory_release._LOOK_MS", 20)
    free = [1_000_000_000]
    keeper = MemoryKeeper(watcher, worker, available=lambda: free[0])
    worker.load(LoadRequest(id="load"))
    qtbot.waitUntil(lambda: worker.loaded_bytes > 0)
    folder: JobFolder = make_run(last=(waits_for(3_000_000_000),))
    with held(folder.path / "lock"):
        with qtbot.waitSignal(watcher.settled):
            watcher.begin()
        qtbot.wait(60)
        assert not keeper.resting
        free[0] = 2_500_000_000
        qtbot.waitUntil(lambda: keeper.resting)


def test_other_work_with_a_model_gets_the_chats_memory_too(
    library: Library, worker: ChatWorker, watcher: JobWatcher, qtbot: QtBot
) -> None:
    keeper = MemoryKeeper(watcher, worker, available=lambda: 2_500_000_000)
    worker.load(LoadRequest(id="load"))
    qtbot.waitUntil(lambda: worker.loaded_bytes > 0)
    spec = protocol.ExportSpec(name="Notes", format="mlx", to="/out")
    begun = (protocol.Launched(), protocol.Started(pid=1), waits_for(3_000_000_000))
    folder = record_job(library.jobs, spec, begun)
    lock = folder.lock()
    assert lock.acquire()
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    qtbot.waitUntil(lambda: keeper.resting)
    qtbot.waitUntil(lambda: worker.loaded_bytes == 0)
    with qtbot.waitSignal(keeper.resting_changed):
        lock.release()
    assert not keeper.resting


def test_chat_wakes_when_the_run_is_over(
    worker: ChatWorker, watcher: JobWatcher, qtbot: QtBot, make_run: RunMaker
) -> None:
    folder: JobFolder = make_run()
    lock = folder.lock()
    assert lock.acquire()
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    keeper = MemoryKeeper(watcher, worker, available=lambda: 500_000_000)
    assert keeper.may_answer(100_000_000)
    assert not keeper.may_answer(540_000_000)
    with qtbot.waitSignal(keeper.resting_changed) as changed:
        lock.release()
    assert changed.args == [False]
    assert watcher.runs()[0].state is JobState.INTERRUPTED
    assert keeper.may_answer(540_000_000)
