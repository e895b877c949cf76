"""A run goes on where fewer cores may be used than when it began."""

from __future__ import annotations

import ctypes

import pytest

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.machine.cores import FIXED_CORES, available_cores, fixed_cores
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.training_run import TrainingRun


@pytest.mark.skipif(has_gpu(), reason="a GPU computes, not the cores")
@pytest.mark.parametrize(("before", "is_told"), [("64", True), ("1", False)])
def test_a_run_takes_the_cores_that_it_began_on_or_those_there_are(
    filled_library: Library,
    spec: TrainSpec,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    is_told: bool,
) -> None:
    folder = JobFolder.create(filled_library.runs, spec)
    (folder.path / "cores").write_text(before)
    monkeypatch.delenv(FIXED_CORES)
    found: list[int] = []

    def stop() -> bool:
        threads = getattr(ctypes.CDLL(None), "openblas_get_num_threads", None)
        if folder.status().stage == "training":
            found.append(threads() if threads is not None else 0)
        return bool(found)

    TrainingRun(filled_library, folder, spec).run(stop)
    assert found in ([min(int(before), available_cores())], [0])
    assert fixed_cores() == int(before), "its children take the same number"
    lines = folder.events_path.read_bytes().splitlines()
    events = [protocol.decode_event(line) for line in lines]
    notices = [event.text for event in events if isinstance(event, protocol.Notice)]
    assert any("began on 64 processor cores" in text for text in notices) == is_told
    assert (folder.path / "cores").read_text() == before
