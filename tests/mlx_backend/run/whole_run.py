"""A whole run in this process, on the tiny model: its folder, its work, what it made."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import WEIGHTS
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.training_run import TrainingRun
from tests.mlx_backend.arrays import bits

Start = Callable[..., JobFolder]


@pytest.fixture
def start(filled_library: Library) -> Start:
    """Makes a run's folder."""
    return lambda spec: JobFolder.create(filled_library.runs, spec)


def work(
    library: Library, folder: JobFolder, stop: Callable[[], bool] = lambda: False
) -> dict[str, object] | None:
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    return TrainingRun(library, folder, spec).run(stop)


def once_training(folder: JobFolder) -> Callable[[], bool]:
    """Asks a run to stop as soon as study is over."""
    return lambda: folder.status().stage == "training"


def factors(library: Library) -> dict[str, bytes]:
    """The adapter's exact numbers; their order in the file is MLX's affair."""
    return bits(load_tensors(library.adapters / "Garden" / WEIGHTS))


def expect(kind: ErrorKind, library: Library, folder: JobFolder) -> OvernightError:
    with pytest.raises(OvernightError) as caught:
        work(library, folder)
    assert caught.value.kind is kind
    assert caught.value.hint
    return caught.value


def hours_later(folder: JobFolder, hours: float) -> None:
    """Lets all that happened to a run, and its end, be so much longer ago."""
    events = folder.reader().read_new()
    moved = [msgspec.structs.replace(event, at=event.at - hours * 3600) for event in events]
    folder.events_path.write_bytes(b"".join(map(protocol.encode_line, moved)))
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    assert spec.finish_by is not None
    spec = msgspec.structs.replace(spec, finish_by=spec.finish_by - hours * 3600)
    (folder.path / "spec.json").write_bytes(protocol.encode_line(spec))
