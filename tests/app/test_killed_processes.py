"""The window and its worker as they are, killed with kill -9; each costs seconds, so few."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.jobs.chat_worker import ChatWorker, WorkerState
from app.jobs.scanner import JobScanner
from app.services import make_services
from app.shell.window import Window
from mlx_backend import locks, protocol
from mlx_backend.errors import ErrorKind
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library import Library
from mlx_backend.protocol import ChatRequest, Sampling, Turn
from tests.app.opened_window import STEPS, process_of
from tests.app.tiny_library import environment, write_tiny_library

_PATIENCE_MS = 60_000
_LEARNING_MS = 200_000  # of all its steps and an exam, where many other tests take the processor


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library with the tiny model and notes, which child processes work on with this code."""
    home = tmp_path / "library"
    write_tiny_library(home)
    monkeypatch.setenv("PYTHONPATH", environment(home)["PYTHONPATH"])
    return Library.open(home)


@pytest.fixture
def no_job_outlives_its_test(tiny: Library) -> Iterator[None]:
    yield
    for folder in JobFolder.all(tiny.runs):
        if locks.is_held(folder.path / "lock"):
            os.kill(process_of(folder), signal.SIGKILL)


def start_in_a_window(home: Path, name: str) -> str:
    """Start a run in a window of its own, and kill that once the run is at work; its id.

    The run stands still, so that it is not over before the next window looks, however long that
    takes on a busy machine.
    """
    window = subprocess.Popen(
        [sys.executable, "-m", "tests.app.opened_window", name],
        stdout=subprocess.PIPE,
        env=environment(home),
        text=True,
    )
    assert window.stdout is not None
    run_id = window.stdout.readline().strip()
    window.kill()
    assert window.wait() == -signal.SIGKILL
    window.stdout.close()
    assert run_id
    return run_id


@pytest.mark.usefixtures("no_job_outlives_its_test")
def test_a_killed_window_leaves_its_run_to_itself_and_a_new_one_finds_it(
    tiny: Library, qapp: QApplication, qtbot: QtBot
) -> None:
    run_id = start_in_a_window(tiny.home, "Journal")
    (found,) = JobScanner((tiny.runs,)).scan()
    assert (found.id, found.state) == (run_id, JobState.RUNNING)
    services = make_services(tiny, qapp)
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: "Journal" in window.strip.what.text(), timeout=_PATIENCE_MS)
    os.kill(process_of(JobFolder(tiny.runs / run_id)), signal.SIGCONT)
    qtbot.waitUntil(
        lambda: [run.id for run in services.watcher.runs() if run.state.is_over] == [run_id],
        timeout=_LEARNING_MS,
    )
    services.close()
    status = JobFolder(tiny.runs / run_id).status()
    assert status.state is JobState.FINISHED, status.error
    assert status.step == STEPS
    events = JobFolder(tiny.runs / run_id).reader().read_new()
    assert sum(isinstance(event, protocol.Launched) for event in events) == 1


def question(text: str) -> ChatRequest:
    return ChatRequest(
        id=text,
        turns=(Turn(role="user", text=text),),
        model="tiny",
        sampling=Sampling(temperature=0.0, max_tokens=8),
    )


def test_a_killed_worker_is_told_of_and_chat_works_again(tiny: Library, qtbot: QtBot) -> None:
    worker = ChatWorker(tiny)
    with qtbot.waitSignal(worker.answered, timeout=_PATIENCE_MS) as first:
        worker.ask(question("Who lit the lamp?"))
    killed = worker.process_id
    os.kill(killed, signal.SIGSTOP)  # so that it dies before it can answer
    worker.ask(question("And when?"))
    with qtbot.waitSignal(worker.failed, timeout=_PATIENCE_MS) as failed:
        os.kill(killed, signal.SIGKILL)
    assert failed.args[0] == "And when?"
    assert failed.args[1].kind is ErrorKind.WORKER_STOPPED
    with qtbot.waitSignal(worker.answered, timeout=_PATIENCE_MS) as again:
        worker.ask(question("Who lit the lamp?"))
    assert worker.process_id not in (0, killed)
    assert again.args[1].text == first.args[1].text
    assert worker.state is WorkerState.READY
    worker.shut_down()
