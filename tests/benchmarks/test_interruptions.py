"""A run with the real starter, interrupted again and again by kill -9, beside one left alone.

OVERNIGHT_INTERRUPTIONS sets how often (20). Both compute on the same number of cores throughout:
the last bits depend on it.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import psutil
import pytest

from mlx_backend.errors import ErrorKind
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder, JobState, launch
from mlx_backend.library import Library
from mlx_backend.library.adapters import WEIGHTS
from mlx_backend.library.home import HOME_VARIABLE
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.machine.cores import FIXED_CORES, usable_cores
from mlx_backend.protocol import TrainSpec
from tests.mlx_backend.arrays import bits

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

INTERRUPTIONS = int(os.environ.get("OVERNIGHT_INTERRUPTIONS", "20"))
STEPS = 24


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library with the starter and the sample notes."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "library"))
    monkeypatch.setenv(FIXED_CORES, str(usable_cores()))
    library = Library.open()
    with resources.as_file(resources.files("resources")) as folder:
        import_into(library, [folder / "sample_notes"])
    return library


def start(library: Library, name: str) -> tuple[JobFolder, int]:
    spec = TrainSpec(
        name=name,
        model="starter",
        steps=STEPS,
        dropout=0.05,
        checkpoint_every=2,
        study=False,  # it is long, and what survives of it has tests of its own
    )
    folder = JobFolder.create(library.runs, spec)
    return folder, launch(folder)


def wait(until: Callable[[], bool]) -> None:
    while not until():
        time.sleep(0.05)


def is_over(folder: JobFolder) -> bool:
    return folder.status().state.is_over


def is_finished(folder: JobFolder) -> bool:
    """Whether it is done. A run that was killed too often without getting on has given up."""
    status = folder.status()
    assert status.error is None or status.error.kind == ErrorKind.CRASHED, status.error
    return status.state is JobState.FINISHED


def lines(folder: JobFolder) -> int:
    return folder.events_path.read_bytes().count(b"\n")


def interrupt(pid: int, whom: str) -> bool:
    """Kill the job, or the training process under it; whether one lived to be killed."""
    try:
        job = psutil.Process(pid)
        alive = [p for p in ([job] if whom == "job" else job.children()) if is_alive(p)]
        for process in alive:
            process.send_signal(signal.SIGKILL)
            wait(lambda process=process: not is_alive(process))  # type: ignore[misc]
    except psutil.NoSuchProcess:
        return False
    return bool(alive)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_with_the_starter_interruptions_change_nothing(library: Library) -> None:
    whole, _ = start(library, "Whole")
    wait(lambda: is_over(whole))
    assert whole.status().state is JobState.FINISHED

    chosen, done, began = random.Random(3), 0, time.monotonic()
    cut, pid = start(library, "Cut")
    while done < INTERRUPTIONS:
        seen = lines(cut) + chosen.randint(1, 8)
        wait(lambda seen=seen: lines(cut) >= seen or is_over(cut))  # type: ignore[misc]
        assert not is_finished(cut), f"it was done after {done} interruptions"
        if is_over(cut):
            pid = launch(cut)
        else:
            done += interrupt(pid, chosen.choice(("job", "training")))
    while not is_finished(cut):
        if is_over(cut):
            launch(cut)
        time.sleep(0.05)
    print(f"\n{done} interruptions in {(time.monotonic() - began) / 60:.1f} minutes")
    learned = [bits(load_tensors(library.adapters / name / WEIGHTS)) for name in ("Whole", "Cut")]
    assert learned[0] == learned[1]
