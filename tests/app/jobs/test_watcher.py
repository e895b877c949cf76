from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.scanner import JobScanner
from app.jobs.snapshot import JobSnapshot
from app.jobs.watcher import JobWatcher
from mlx_backend import protocol
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library import Library
from tests.app.recorded import RunMaker

LockHolder = Callable[[JobFolder], "subprocess.Popen[bytes]"]

_HOLD_LOCK = """
import sys, time
from pathlib import Path
from mlx_backend.jobs import JobFolder
lock = JobFolder(Path(sys.argv[1])).lock()
assert lock.acquire()
print("held", flush=True)
time.sleep(60)
"""

_FINISHED = protocol.Finished(result={"adapter": "Notes", "valid_loss": 1.5})


@pytest.fixture
def hold_lock() -> Iterator[LockHolder]:
    """A process that holds a job's lock, as the job itself would."""
    processes: list[subprocess.Popen[bytes]] = []

    def hold(folder: JobFolder) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLD_LOCK, str(folder.path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        processes.append(process)
        return process

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


def seen(watcher: JobWatcher, folder: JobFolder) -> JobSnapshot:
    snapshot = watcher.snapshot(folder.id)
    assert snapshot is not None
    return snapshot


def test_reopened_window_finds_every_run_as_it_is(
    watcher: JobWatcher, qtbot: QtBot, make_run: RunMaker, hold_lock: LockHolder
) -> None:
    finished = make_run(last=(_FINISHED,), job_id="20261120-220000-aaaa")
    interrupted = make_run(job_id="20261121-220000-bbbb")
    running = make_run(job_id="20261122-220000-cccc")
    hold_lock(running)

    with qtbot.waitSignal(watcher.settled):
        watcher.begin()

    assert [(run.id, run.state) for run in watcher.runs()] == [
        (running.id, JobState.RUNNING),
        (interrupted.id, JobState.INTERRUPTED),
        (finished.id, JobState.FINISHED),
    ]
    assert [run.id for run in watcher.active()] == [running.id]


def test_growing_log_is_followed(
    watcher: JobWatcher, qtbot: QtBot, make_run: RunMaker, hold_lock: LockHolder
) -> None:
    folder = make_run(steps=3)
    hold_lock(folder)
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    assert len(seen(watcher, folder).night.training) == 3

    with qtbot.waitSignal(watcher.job_changed):
        folder.append(protocol.Evaluated(step=3, loss=2.5))

    assert list(seen(watcher, folder).night.held_out.losses) == [4.0, 2.5]


def test_killed_process_is_noticed(
    watcher: JobWatcher, qtbot: QtBot, make_run: RunMaker, hold_lock: LockHolder
) -> None:
    folder = make_run()
    process = hold_lock(folder)
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()

    with qtbot.waitSignal(watcher.job_ended) as ended:
        os.kill(process.pid, signal.SIGKILL)

    assert ended.args == [folder.id]
    assert seen(watcher, folder).state is JobState.INTERRUPTED
    assert watcher.active() == []


def test_stop_is_asked_for_in_the_folder(
    watcher: JobWatcher, qtbot: QtBot, make_run: RunMaker, hold_lock: LockHolder
) -> None:
    folder = make_run()
    hold_lock(folder)
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()

    with qtbot.waitSignal(watcher.job_changed):
        watcher.stop(folder.id)

    assert folder.stop_requested()
    assert seen(watcher, folder).stopping


def test_start_writes_the_folder_and_tells_the_end_of_a_quick_job(
    watcher: JobWatcher, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def launch(folder: JobFolder) -> int:
        for event in (protocol.Launched(), protocol.Started(pid=1), _FINISHED):
            folder.append(event)
        return 1

    monkeypatch.setattr("app.jobs.watcher.launch", launch)
    watcher.begin()
    with qtbot.waitSignal(watcher.job_ended) as ended:
        job_id = watcher.start(protocol.ImportSpec(paths=("/notes",)))

    assert ended.args == [job_id]
    assert [job.id for job in watcher.jobs()] == [job_id]
    assert watcher.runs() == []


def test_start_is_not_lost_when_the_window_closes_at_once(
    watcher: JobWatcher, library: Library, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[JobFolder] = []
    monkeypatch.setattr("app.jobs.watcher.launch", launched.append)
    watcher.begin()
    job_id = watcher.start(protocol.TrainSpec(name="Notes", model="starter"))
    watcher.shut_down()
    assert [folder.path for folder in launched] == [library.runs / job_id]


def test_start_that_fails_is_told(
    watcher: JobWatcher, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def launch(folder: JobFolder) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.jobs.watcher.launch", launch)
    watcher.begin()
    with qtbot.waitSignal(watcher.start_failed) as failed:
        job_id = watcher.start(protocol.TrainSpec(name="Notes", model="starter"))
    assert failed.args[0] == job_id
    assert isinstance(failed.args[1], OvernightError)


def test_resume_goes_on_in_the_same_folder(
    watcher: JobWatcher, qtbot: QtBot, make_run: RunMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(last=(protocol.Stopped(step=20),))
    launched: list[JobFolder] = []
    monkeypatch.setattr("app.jobs.watcher.launch", launched.append)
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    watcher.resume(folder.id)
    qtbot.waitUntil(lambda: bool(launched))
    assert launched[0].path == folder.path


def test_resume_of_a_run_that_was_cut_short_in_a_pause_ends_the_pause(
    watcher: JobWatcher, qtbot: QtBot, make_run: RunMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(last=(protocol.Waiting(reason="paused", text="Paused."),))
    folder.request_pause()
    paused: list[bool] = []
    monkeypatch.setattr("app.jobs.watcher.launch", lambda job: paused.append(job.pause_requested()))
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    watcher.resume(folder.id)
    qtbot.waitUntil(lambda: paused == [False])


def test_steps_done_again_after_a_resume_replace_the_old(
    library: Library, make_run: RunMaker
) -> None:
    again = (
        protocol.Evaluated(step=10, loss=3.0),
        protocol.Evaluated(step=20, loss=2.0),
        protocol.Started(pid=2),
        *(
            protocol.StepDone(
                step=step,
                steps=100,
                loss=1.0,
                learning_rate=1e-3,
                tokens_per_second=90,
                peak_bytes=1,
                elapsed_s=1,
                remaining_s=1,
            )
            for step in (11, 12)
        ),
    )
    make_run(steps=20, last=again)
    (snapshot,) = JobScanner((library.runs,)).scan()
    assert list(snapshot.night.training.steps) == list(range(1, 13))
    assert list(snapshot.night.training.losses)[-2:] == [1.0, 1.0]
    assert list(snapshot.night.held_out.steps) == [0, 10]


def test_a_hundred_thousand_events_come_in_pieces(library: Library, make_run: RunMaker) -> None:
    folder = make_run(steps=100_000, last=(_FINISHED,))
    scanner = JobScanner((library.runs,))
    scans = 0
    snapshots: list[JobSnapshot] = []
    while not snapshots:
        snapshots = list(scanner.scan())
        scans += 1
    assert scans > 10
    steps = snapshots[0].night.training.steps
    assert len(steps) < 25_000  # enough to draw them all
    assert (steps[0], steps[-1]) == (1, 100_000)
    assert snapshots[0].state is JobState.FINISHED
    assert snapshots[0].id == folder.id
    assert list(scanner.scan()) == []


def test_half_a_line_waits_and_bad_lines_are_dropped(library: Library, make_run: RunMaker) -> None:
    folder = make_run(steps=1)
    line = protocol.encode_line(protocol.Evaluated(step=1, loss=3.0))
    with folder.events_path.open("ab") as file:
        file.write(b"nonsense\n\x00\xff\n" + line[:20])
    scanner = JobScanner((library.runs,))
    while not (snapshots := list(scanner.scan())):
        pass
    assert len(snapshots[0].night.held_out) == 1
    with folder.events_path.open("ab") as file:
        file.write(line[20:])
    while not (snapshots := list(scanner.scan())):
        pass
    assert list(snapshots[0].night.held_out.losses) == [4.0, 3.0]


def test_folders_without_a_spec_or_events_are_no_jobs(library: Library, tmp_path: Path) -> None:
    (library.runs / "being-made").mkdir()
    JobFolder.create(library.runs, protocol.TrainSpec(name="Notes", model="starter"))
    (library.runs / "damaged").mkdir()
    (library.runs / "damaged" / "spec.json").write_bytes(b"{")
    assert list(JobScanner((library.runs, tmp_path / "missing")).scan()) == []


def test_hours_between_interruption_and_resume_do_not_count(library: Library) -> None:
    folder = JobFolder.create(library.runs, protocol.TrainSpec(name="Notes", model="starter"))
    for event in (
        protocol.Launched(at=100.0),
        protocol.Started(at=101.0, pid=1),
        protocol.Notice(at=111.0, text="Working."),
        protocol.Launched(at=9000.0),
        protocol.Started(at=9001.0, pid=2),
        protocol.Stopped(at=9006.0, step=1),
    ):
        folder.append(event)
    (snapshot,) = JobScanner((library.runs,)).scan()
    assert snapshot.worked_s == pytest.approx(15.0)
    assert snapshot.began_at == 100.0


@pytest.mark.parametrize("was_paused", [False, True])
def test_continue_gives_a_run_the_time_that_it_had_left(
    watcher: JobWatcher,
    library: Library,
    qtbot: QtBot,
    hold_lock: LockHolder,
    monkeypatch: pytest.MonkeyPatch,
    was_paused: bool,
) -> None:
    monkeypatch.setattr("app.jobs.watcher.launch", lambda folder: None)
    now = time.time()
    spec = protocol.TrainSpec(name="Garden", model="tiny", finish_by=now - 60)
    folder = JobFolder.create(library.runs, spec)
    folder.append(protocol.Launched(at=now - 3600))
    folder.append(protocol.Started(at=now - 3600, pid=1))
    if was_paused:
        hold_lock(folder)
        folder.request_pause()
        folder.append(protocol.Waiting(reason="paused", text="Paused."))
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    qtbot.waitUntil(lambda: watcher.snapshot(folder.id) is not None)
    if was_paused:
        watcher.pause(folder.id, False)
    else:
        watcher.resume(folder.id)
    qtbot.waitUntil((folder.path / "overtime.json").exists)
    qtbot.waitUntil(lambda: not folder.pause_requested())


@pytest.mark.parametrize("version", [0, protocol.VERSION + 1])
def test_a_run_of_another_version_is_shown_as_it_is(library: Library, version: int) -> None:
    spec = protocol.TrainSpec(name="Notes", model="starter", v=version)
    folder = JobFolder.create(library.runs, spec)
    for event in (protocol.Started(pid=1, v=version), protocol.Finished(result={}, v=version)):
        folder.append(event)
    (run,) = JobScanner((library.runs,)).scan()
    assert (run.name, run.state) == ("Notes", JobState.FINISHED)


def test_a_run_of_a_newer_version_is_not_resumed(
    watcher: JobWatcher, qtbot: QtBot, library: Library
) -> None:
    spec = protocol.TrainSpec(name="Notes", model="starter", v=protocol.VERSION + 1)
    folder = JobFolder.create(library.runs, spec)
    folder.append(protocol.Stopped(step=3))
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    with qtbot.waitSignal(watcher.start_failed) as failed:
        watcher.resume(folder.id)
    assert failed.args is not None
    assert "newer version of Overnight" in failed.args[1].message
    assert folder.status().state is JobState.STOPPED


def test_a_job_that_somebody_else_deleted_is_gone(
    watcher: JobWatcher, qtbot: QtBot, library: Library, hold_lock: LockHolder
) -> None:
    spec = protocol.DownloadSpec(repo="someone/Big")
    folder = JobFolder.create(library.jobs, spec)
    folder.append(protocol.Launched())
    folder.append(protocol.Started(pid=1))
    hold_lock(folder)
    with qtbot.waitSignal(watcher.settled):
        watcher.begin()
    qtbot.waitUntil(lambda: len(watcher.active()) == 1)
    failures: list[object] = []
    watcher.start_failed.connect(lambda *it: failures.append(it))
    with qtbot.waitSignal(watcher.job_removed) as removed:
        shutil.rmtree(folder.path)
        watcher.stop(folder.id)
    assert removed.args == [folder.id]
    assert not watcher.active()
    assert not watcher.jobs()
    assert not failures
