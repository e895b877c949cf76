"""Runs that a signal interrupts, from the command line; few, because each takes seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mlx_backend import locks, protocol
from mlx_backend.cli.following import wait_for_end
from mlx_backend.cli.main import INTERRUPTED, main
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library import Library
from mlx_backend.settings import change_settings
from tests.mlx_backend.cli.terminal import Terminal, overnight

_ROOT = Path(__file__).parents[3]
# Restores SIGINT, which a shell ignores in processes that it starts in the background.
_HEARING_CTRL_C = """
import signal, sys
from mlx_backend.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""
_PATIENCE_S = 100.0
_STEPS = 150  # saved at every fiftieth


@pytest.fixture(autouse=True)
def no_run_outlives_its_test(library: Library) -> Iterator[None]:
    yield
    for folder in JobFolder.all(library.runs):
        if locks.is_held(folder.path / "lock"):
            os.kill(pid_of(folder), signal.SIGKILL)


def pid_of(folder: JobFolder) -> int:
    events = folder.reader().read_new()
    return [event.pid for event in events if isinstance(event, protocol.Started)][-1]


def wait_for_step(folder: JobFolder, step: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while (status := folder.status()).step < step:
        assert not status.state.is_over, status.error
        assert time.monotonic() < deadline, status
        time.sleep(0.02)


def the_run(library: Library) -> JobFolder:
    deadline = time.monotonic() + _PATIENCE_S
    while not (found := list(JobFolder.all(library.runs))):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found[0]


def test_resume_goes_on_after_the_job_was_killed(
    filled_library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--name", "Cut", "--steps", str(_STEPS), "--detach"]) == 0
    folder = the_run(filled_library)
    wait_for_step(folder, 51)
    os.kill(pid_of(folder), signal.SIGKILL)
    while not folder.status().state.is_over:
        time.sleep(0.02)
    assert folder.status().state is JobState.INTERRUPTED
    capsys.readouterr()
    assert main(["resume", folder.id, "--json"]) == 0
    output, errors = capsys.readouterr()
    result = json.loads(output.splitlines()[-1])
    assert (result["run"], result["adapter"]) == (folder.id, "Cut")
    assert "Continuing from the last checkpoint." in errors
    events = folder.reader().read_new()
    starts = [event.resumed_from for event in events if isinstance(event, protocol.Started)]
    assert starts[0] is None
    assert starts[-1] is not None
    assert starts[-1] >= 50
    assert folder.status().state is JobState.FINISHED


def press_ctrl_c(process: subprocess.Popen[str], folder: JobFolder) -> None:
    """Send the signal until it takes effect: Python can lose one during garbage collection."""
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        heard = time.monotonic() + 3
        while time.monotonic() < heard:
            if folder.stop_requested() or process.poll() is not None:
                return
            time.sleep(0.02)


def test_the_end_of_a_terminal_ends_no_run(filled_library: Library) -> None:
    """Neither for who shows it nor for who works on it."""
    change_settings(filled_library.settings, learning_rate=1e-4)  # does not stop early
    with Terminal(overnight("train", "--name", "Hung up", "--steps", "600")) as terminal:
        folder = the_run(filled_library)
        wait_for_step(folder, 1)
        terminal.interrupt(signal.SIGHUP)
        assert terminal.end() == -signal.SIGHUP
    os.kill(pid_of(folder), signal.SIGHUP)  # should a supervisor get it all the same
    for child in psutil.Process(pid_of(folder)).children(recursive=True):
        child.send_signal(signal.SIGHUP)
    status = wait_for_end(folder)
    assert (status.state, status.step) == (JobState.FINISHED, 600)
    assert not any(isinstance(e, protocol.AttemptEnded) for e in folder.reader().read_new())


def test_a_polite_end_from_outside_saves_as_ctrl_c_does(filled_library: Library) -> None:
    with Terminal(overnight("train", "--name", "Ended", "--steps", "4000")) as terminal:
        folder = the_run(filled_library)
        wait_for_step(folder, 1)
        terminal.interrupt(signal.SIGTERM)
        terminal.wait_for("Stopped at step")
        assert terminal.end() == INTERRUPTED
    status = folder.status()
    assert status.state is JobState.STOPPED
    assert status.checkpoint == status.step


def test_ctrl_c_stops_a_run_politely(filled_library: Library) -> None:
    words = ["train", "--name", "Stopped", "--steps", "4000"]
    process = subprocess.Popen(
        [sys.executable, "-c", _HEARING_CTRL_C, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    folder = the_run(filled_library)
    wait_for_step(folder, 1)
    try:
        press_ctrl_c(process, folder)
        output, errors = process.communicate(timeout=_PATIENCE_S)
    finally:
        process.kill()  # nothing to do but where it did not end
        process.wait()
    assert process.returncode == INTERRUPTED
    assert output == ""
    assert "Traceback" not in errors
    assert f"overnight resume {folder.id}" in errors
    status = folder.status()
    assert status.state is JobState.STOPPED
    assert status.step >= 1
    assert status.checkpoint == status.step
