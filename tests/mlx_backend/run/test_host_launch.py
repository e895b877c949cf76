"""How the start of a run on several machines ends; its processes are real, and only act."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.hosts import hosts_left
from mlx_backend.jobs.training_process import Outcome, TrainingProcess
from mlx_backend.library import Library
from mlx_backend.protocol import Host, TrainSpec
from mlx_backend.run.host_launch import free_port

_ACTING = (sys.executable, str(Path(__file__).with_name("acting_member.py")))
_TWO = (Host(ssh="here", ips=("127.0.0.1",)), Host(ssh="127.0.0.1", ips=("127.0.0.1",)))

Start = Callable[..., TrainingProcess]


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, TrainSpec(name="n", model="m", hosts=_TWO))


@pytest.fixture
def start(folder: JobFolder) -> Start:
    """Starts machines that act so, by rank."""

    def start(*acts: str) -> TrainingProcess:
        (folder.path / "acts.json").write_text(json.dumps(acts))
        return TrainingProcess(folder, _ACTING)

    return start


def ended(process: TrainingProcess) -> Outcome | None:
    while not process.is_over(0.1):
        pass
    return process.outcome()


def left(folder: JobFolder) -> tuple[Host, ...]:
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    return hosts_left(folder, spec)


def test_it_says_what_the_leading_machine_said(folder: JobFolder, start: Start) -> None:
    (folder.path / "outcome.json").write_bytes(protocol.encode_line(protocol.Stopped()))
    with start("finish", "done") as process:
        end = ended(process)
        assert isinstance(end, protocol.Finished), "not what was said in an earlier attempt"
        assert process.return_code == 0


def test_all_are_told_to_stop(folder: JobFolder, start: Start) -> None:
    with start("stop when told", "leave when told") as process:
        while not (folder.path / "waits").exists():
            time.sleep(0.01)
        process.ask_to_stop()
        assert isinstance(ended(process), protocol.Stopped)


@pytest.mark.parametrize("leading", ["lose the others", "wait"])
def test_a_machine_that_is_lost_is_named(folder: JobFolder, start: Start, leading: str) -> None:
    with start(leading, "be killed") as process:
        end = ended(process)
        assert isinstance(end, protocol.Failed)
        assert end.error.kind == ErrorKind.HOST_LOST
        assert "'127.0.0.1' was lost" in end.error.message
        assert end.error.hint
        assert process.return_code == 1
    assert left(folder) == _TWO[:1]


def test_a_crash_of_the_leading_machine_loses_no_other(folder: JobFolder, start: Start) -> None:
    with start("abort", "wait") as process:
        assert ended(process) is None
        assert process.return_code == -signal.SIGABRT
    assert left(folder) == _TWO


def test_a_changed_address_is_told(folder: JobFolder, start: Start) -> None:
    far = Host(ssh="far", ips=("192.0.2.7",))
    spec = TrainSpec(name="n", model="m", hosts=(far, *_TWO))
    (folder.path / "spec.json").write_bytes(protocol.encode_line(spec))
    with start() as process:
        end = ended(process)
    assert isinstance(end, protocol.Failed)
    assert end.error.kind == ErrorKind.BAD_INPUT
    assert "'far'" in end.error.message


def test_ports_that_are_taken_are_passed_over() -> None:
    free = free_port(["127.0.0.1"] * 3, ["127.0.0.1"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free + 2))
        assert free_port(["127.0.0.1"] * 3, ["127.0.0.1"]) != free
        assert free_port(["127.0.0.1", "10.9.9.9", "10.9.9.9"], ["127.0.0.1"]) == free


_LIVES_ON = """
import os, sys, threading, time
from mlx_backend.training.hosts.patient_launch import end_with
threading.Thread(target=end_with, args=(int(sys.argv[1]),), daemon=True).start()
time.sleep(600)
"""
_STARTS_IT = """
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], start_new_session=True)
os._exit(0)
"""


def test_nothing_outlives_whoever_started_it() -> None:
    words = [sys.executable, "-c", _STARTS_IT, _LIVES_ON]
    assert subprocess.check_output(words) == b"", "whose pipe is closed once both are gone"
