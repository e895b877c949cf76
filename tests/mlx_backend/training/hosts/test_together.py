"""Two processes on this machine's loopback train together, started by the real `mlx.launch`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mlx_backend import protocol
from mlx_backend.dataset.samples import load_dataset
from mlx_backend.errors import ErrorKind
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.hosts import TRAINING_TOGETHER, hosts_left, training_command
from mlx_backend.jobs.machine_services import MachineServices
from mlx_backend.jobs.supervisor import Persistence, Supervisor
from mlx_backend.jobs.training_process import TRAINING, Outcome
from mlx_backend.library import Library
from mlx_backend.protocol import Host, TrainSpec
from mlx_backend.run.preparation import prepare
from mlx_backend.run.training_run import TrainingRun

_TWO = (Host(ssh="here", ips=("127.0.0.1",)), Host(ssh="127.0.0.1", ips=("127.0.0.1",)))
_LOSING = (sys.executable, str(Path(__file__).with_name("losing_a_machine.py")))


@pytest.fixture
def together(filled_library: Library, spec: TrainSpec, tmp_path: Path) -> TrainSpec:
    """A run whose batches have two parts, one for each machine."""
    for number in range(12):
        text = f"# Boat {number}\n\n" + " ".join(
            f"Boat {number} came on day {day} with {number * day} nets and left at {day} o'clock."
            for day in range(1, 6)
        )
        (tmp_path / f"boat {number}.md").write_text(text)
    import_into(filled_library, sorted(tmp_path.glob("*.md")))
    return msgspec.structs.replace(spec, dropout=0.0, hosts=_TWO)


def supervise(folder: JobFolder, command: tuple[str, ...]) -> Outcome | None:
    quick = Persistence(rests=(0.0,), poll=0.02)
    return Supervisor(folder, MachineServices(), lambda: False, quick, command).run()


def losses(folder: JobFolder) -> list[float]:
    """Of each step, what it was the last time."""
    events = folder.reader().read_new()
    found = {event.step: event.loss for event in events if isinstance(event, protocol.StepDone)}
    return [found[step] for step in sorted(found)]


@dataclass(frozen=True)
class Alone:
    """What one process made of it: losses, and the number of parts of each batch."""

    losses: list[float]
    parts: list[int]


def alone(library: Library, spec: TrainSpec) -> Alone:
    spec = msgspec.structs.replace(spec, name="Alone")
    folder = JobFolder.create(library.runs, spec)
    TrainingRun(library, folder, spec).run(lambda: False)
    batches = prepare(library, spec, load_dataset(folder.path / "samples.json")).batches
    return Alone(losses(folder), [len(batches[step]) for step in range(8)])


def test_two_processes_learn_as_one_does(filled_library: Library, together: TrainSpec) -> None:
    folder = JobFolder.create(filled_library.runs, together)
    assert training_command(folder, together) == TRAINING_TOGETHER
    end = supervise(folder, TRAINING_TOGETHER)
    assert isinstance(end, protocol.Finished), end
    reference = alone(filled_library, together)
    assert reference.parts == [2] * 8
    np.testing.assert_allclose(losses(folder), reference.losses, rtol=1e-5)


def test_a_lost_machine_ends_the_run_and_it_goes_on_without(
    filled_library: Library, together: TrainSpec
) -> None:
    folder = JobFolder.create(filled_library.runs, together)
    end = supervise(folder, _LOSING)
    assert isinstance(end, protocol.Failed)
    assert end.error.kind == ErrorKind.HOST_LOST
    assert "'127.0.0.1' was lost" in end.error.message
    assert "step 4 is kept" in end.error.message, "no step is lost"
    assert hosts_left(folder, together) == _TWO[:1]
    assert training_command(folder, together) == TRAINING
    end = supervise(folder, TRAINING)
    assert isinstance(end, protocol.Finished)
    np.testing.assert_allclose(losses(folder), alone(filled_library, together).losses, rtol=1e-5)
