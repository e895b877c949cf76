"""A supervisor under test: the machine around it, and processes that act as they are told."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.machine_services import MachineServices
from mlx_backend.jobs.memory_ladder import MemoryWay, first_way, ways_from, write_computed_way
from mlx_backend.jobs.supervisor import Persistence, Supervisor
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec, Waiting
from tests.mlx_backend.jobs.acting_process import GPU_TIMEOUT, OUT_OF_MEMORY

Act = tuple[Any, ...]
_E = TypeVar("_E", bound=protocol.Event)

QUICK = Persistence(rests=(0.0,), memory_rests=(0.02,), poll=0.01, look=0.0)
_COMMAND = (sys.executable, "-S", str(Path(__file__).with_name("acting_process.py")))
_PATIENCE_S = 60

FASTEST, MLP, LAYER, ROW_BY_ROW, THRIFTIEST = ways_from(first_way(2048, 0.0), 0.0)

FINISH: Act = ("finish",)
OOM: list[Act] = [("note the way",), ("print", OUT_OF_MEMORY), ("abort",)]
TIMEOUT: list[Act] = [("note the way",), ("print", GPU_TIMEOUT), ("abort",)]


@dataclass
class Night:
    """The machine of a test: why to wait now, and what the person was told."""

    obstacle: Waiting | None = None
    turn: Waiting | None = None
    energy: tuple[float, str] | None = None
    awake: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def services(self) -> MachineServices:
        return MachineServices(
            obstacle=lambda: self.obstacle,
            turn=lambda: self.turn,
            awake_while_computing=self._keep_awake,
            awake_while_waiting=self._keep_ready,
            energy=lambda: self.energy,
            notify=lambda title, text: self.notes.append(text),
        )

    @contextlib.contextmanager
    def _keep_awake(self) -> Iterator[None]:
        self.awake.append("awake")
        yield
        self.awake.append("may sleep")

    @contextlib.contextmanager
    def _keep_ready(self) -> Iterator[None]:
        self.awake.append("ready")
        yield
        self.awake.append("ready no longer")


@pytest.fixture
def folder(library: Library) -> JobFolder:
    folder = JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))
    folder.append(protocol.Launched())
    write_computed_way(folder, FASTEST)  # as the training does before anything else
    return folder


@pytest.fixture
def night() -> Night:
    return Night()


@pytest.fixture
def supervise(folder: JobFolder, night: Night) -> Callable[..., protocol.JobEvent | None]:
    """Runs a supervisor over attempts with these acts, to the end."""

    def run(*attempts: list[Act], **changes: Any) -> protocol.JobEvent | None:
        (folder.path / "acts.json").write_text(json.dumps(attempts))
        return Supervisor(
            folder,
            night.services(),
            leave=changes.pop("leave", lambda: False),
            persistence=replace(QUICK, **changes),
            command=_COMMAND,
        ).run()

    return run


@contextlib.contextmanager
def meanwhile(*acts: Callable[[], Any]) -> Iterator[None]:
    """Acts beside the supervisor: one that returns False is asked again until it does not."""

    def work() -> None:
        for act in acts:
            while act() is False:
                time.sleep(0.005)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join(_PATIENCE_S)
    assert not thread.is_alive(), "what was waited for did not come"


def told(folder: JobFolder, kind: type[_E]) -> list[_E]:
    return [event for event in folder.reader().read_new() if isinstance(event, kind)]


def waits(folder: JobFolder) -> list[str]:
    return [event.reason for event in told(folder, Waiting)]


def ways_noted(folder: JobFolder) -> list[MemoryWay]:
    lines = (folder.path / "ways").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=MemoryWay) for line in lines]


def at_work(folder: JobFolder) -> Callable[[], bool]:
    return (folder.path / "at work").exists
