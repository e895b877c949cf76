"""The real training, ended by faults of the GPU under its real supervisor."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.jobs.machine_services import MachineServices
from mlx_backend.jobs.memory_ladder import SHORT_ROW, MemoryWay, read_way
from mlx_backend.jobs.supervisor import Persistence, Supervisor
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec
from tests.mlx_backend.jobs.acting_process import GPU_TIMEOUT, OUT_OF_MEMORY

_COMMAND = (sys.executable, str(Path(__file__).with_name("failing_training.py")))
_ROOT = Path(__file__).parents[3]


def test_after_each_fault_it_goes_on_where_it_was(
    filled_library: Library, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = (str(_ROOT), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    short = msgspec.structs.replace(spec, steps=8, checkpoint_every=2)
    folder = JobFolder.create(filled_library.runs, short)
    (folder.path / "faults.json").write_text(json.dumps([OUT_OF_MEMORY, GPU_TIMEOUT, ""]))
    quick = Persistence(rests=(0.0,), poll=0.01)
    end = Supervisor(folder, MachineServices(), lambda: False, quick, _COMMAND).run()
    assert isinstance(end, protocol.Finished)
    assert end.result["steps"] == 8
    events = folder.reader().read_new()
    endings = [event.ending for event in events if isinstance(event, protocol.AttemptEnded)]
    assert endings == ["out of memory", "gpu timeout", "crash"]
    starts = [event.resumed_from for event in events if isinstance(event, protocol.Started)]
    assert starts == [None, 2, 4, 6]
    assert read_way(folder) == MemoryWay("nothing", SHORT_ROW, SHORT_ROW)
    assert folder.status().state is JobState.FINISHED
