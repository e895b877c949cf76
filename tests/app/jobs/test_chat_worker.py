from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.chat_worker import ChatWorker, WorkerState
from app.jobs.line_splitter import LineSplitter
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.protocol import ChatRequest, LoadRequest, Turn, WeightedAdapter


def question(text: str, request_id: str = "one") -> ChatRequest:
    return ChatRequest(
        id=request_id,
        turns=(Turn(role="user", text=text),),
        adapters=(WeightedAdapter(name="Notes"),),
    )


def test_nothing_runs_before_the_first_question(worker: ChatWorker) -> None:
    assert worker.state is WorkerState.OFF
    assert worker.process_id == 0


def test_answer_streams_and_ends(worker: ChatWorker, qtbot: QtBot) -> None:
    parts: list[str] = []
    states: list[WorkerState] = []
    worker.part.connect(lambda _, text: parts.append(text))
    worker.state_changed.connect(states.append)
    with qtbot.waitSignal(worker.answered) as answered:
        worker.ask(question("Hello"))
    assert "".join(parts) == "Notes heard 1 turns: Hello"
    assert answered.args[1].ended == "stop"
    assert states == [
        WorkerState.STARTING,
        WorkerState.ANSWERING,
        WorkerState.LOADING,
        WorkerState.ANSWERING,
        WorkerState.READY,
    ]
    assert worker.loaded_bytes == 540_000_000


def test_crash_in_the_middle_fails_the_question_and_restarts(
    worker: ChatWorker, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(worker.failed) as failed:
        worker.ask(question("Please crash"))
    assert failed.args[0] == "one"
    assert failed.args[1].kind is ErrorKind.WORKER_STOPPED
    assert worker.loaded_bytes == 0
    qtbot.waitUntil(lambda: worker.state is WorkerState.READY)
    with qtbot.waitSignal(worker.answered):
        worker.ask(question("Hello again", "two"))


def test_killed_while_idle_restarts(worker: ChatWorker, qtbot: QtBot) -> None:
    with qtbot.waitSignal(worker.answered):
        worker.ask(question("Hello"))
    with qtbot.waitSignal(worker.failed) as failed:
        os.kill(worker.process_id, signal.SIGKILL)
    assert failed.args[0] == ""
    qtbot.waitUntil(lambda: worker.state is WorkerState.READY)


def test_three_crashes_in_a_row_are_enough(library: Library, qtbot: QtBot) -> None:
    worker = ChatWorker(library, command=(sys.executable, "-c", "raise SystemExit(3)"))
    errors: list[OvernightError] = []
    worker.failed.connect(lambda _, error: errors.append(error))
    worker.ask(question("Hello"))
    qtbot.waitUntil(lambda: worker.state is WorkerState.CRASHED)
    assert len(errors) == 3
    assert "several times" in errors[-1].message
    worker.ask(question("Another try"))
    assert worker.state is WorkerState.STARTING
    worker.shut_down()


def test_missing_program_is_a_crash(library: Library, qtbot: QtBot) -> None:
    worker = ChatWorker(library, command=("/nowhere/python",))
    with qtbot.waitSignal(worker.failed) as failed:
        worker.ask(question("Hello"))
    assert failed.args[1].kind is ErrorKind.WORKER_STOPPED
    worker.shut_down()


@pytest.mark.parametrize("text", ["garbage", "a huge line"])
def test_noise_on_the_line_is_dropped(worker: ChatWorker, qtbot: QtBot, text: str) -> None:
    with qtbot.waitSignal(worker.answered) as answered:
        worker.ask(question(text))
    assert answered.args[1].text.endswith(text)


def test_cancel_ends_an_answer_that_hangs(worker: ChatWorker, qtbot: QtBot) -> None:
    with qtbot.waitSignal(worker.part):
        worker.ask(question("hang"))
    with qtbot.waitSignal(worker.answered) as answered:
        worker.cancel("one")
    assert answered.args[1].ended == "cancelled"


def test_refused_question_leaves_the_worker_alive(worker: ChatWorker, qtbot: QtBot) -> None:
    with qtbot.waitSignal(worker.failed) as failed:
        worker.ask(question("fail"))
    assert failed.args[1].kind is ErrorKind.ADAPTER_UNKNOWN
    assert worker.state is WorkerState.READY


def test_release_gives_the_memory_back(worker: ChatWorker, qtbot: QtBot) -> None:
    with qtbot.waitSignal(worker.released):
        worker.release()
    worker.load(LoadRequest(id="load"))
    qtbot.waitUntil(lambda: worker.loaded_bytes > 0)
    with qtbot.waitSignal(worker.released):
        worker.release()
    assert worker.loaded_bytes == 0
    assert worker.state is WorkerState.READY


def test_shutting_down_ends_the_process(worker: ChatWorker, qtbot: QtBot) -> None:
    with qtbot.waitSignal(worker.answered):
        worker.ask(question("Hello"))
    pid = worker.process_id
    worker.shut_down()
    assert worker.state is WorkerState.OFF
    assert not Path(f"/proc/{pid}").exists() or sys.platform != "linux"


def test_what_it_prints_goes_to_the_log(library: Library, qtbot: QtBot) -> None:
    script = "import sys; print('a traceback', file=sys.stderr)"
    worker = ChatWorker(library, command=(sys.executable, "-c", script))
    with qtbot.waitSignal(worker.failed):
        worker.ask(question("Hello"))
    worker.shut_down()
    assert "a traceback" in (library.logs / "worker.log").read_text()


@pytest.mark.parametrize("crash", ["", "; import os; os.abort()"], ids=["in order", "in a crash"])
def test_what_is_private_never_gets_into_the_log(
    library: Library, qtbot: QtBot, crash: str
) -> None:
    key = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"
    script = f"import os; os.write(2, b'note: {key} is the key\\nlast {key}'){crash}"
    worker = ChatWorker(library, command=(sys.executable, "-c", script))
    with qtbot.waitSignal(worker.failed):
        worker.ask(question("Hello"))
    worker.shut_down()
    lines = (library.logs / "worker.log").read_text().splitlines()
    assert lines[:2] == ["note: [AWS key removed] is the key", "last [AWS key removed]"]


def test_lines_are_cut_wherever_the_pipe_cuts_them() -> None:
    splitter = LineSplitter(limit=8)
    assert splitter.feed(b"one\ntw") == [b"one"]
    assert splitter.feed(b"o\n\nthree\n") == [b"two", b"three"]
    assert splitter.feed(b"much too ") == []
    assert splitter.feed(b"long\nfour\n") == [b"four"]
    assert splitter.feed(b"also too long\nfive\n") == [b"five"]
