"""What a plan promises beside what the run then takes: memory and time, over ten plans."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.jobs.launch import launch
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec

ROOT = Path(__file__).parents[2]
SAMPLE_NOTES = ROOT / "resources" / "sample_notes"
PLAIN = TrainSpec(name="n", model="starter", steps=16)
PLANS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rank 4": {"rank": 4},
    "rank 64": {"rank": 64},
    "twice as long": {"steps": 32},
    "little memory": {"low_memory": True},
    "little memory, rank 32": {"low_memory": True, "rank": 32},
    "DoRA": {"kind": "dora", "steps": 8},
    "rank-stabilised": {"kind": "rslora", "rank": 32},
    "dropout": {"dropout": 0.1},
    "a tenth of an hour": {"steps": None, "hours": 0.1},
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    home = tmp_path_factory.mktemp("library")
    subprocess.run(
        [sys.executable, "-m", "mlx_backend.cli", "import", str(SAMPLE_NOTES)],
        check=True,
        env=os.environ | {"OVERNIGHT_HOME": str(home)},
        capture_output=True,
    )
    return Library.open(home)


def run(library: Library, spec: TrainSpec) -> tuple[dict[str, Any], float]:
    """A run from its start to its end: what it achieved, and the seconds in all."""
    began = time.monotonic()
    folder = JobFolder.create(library.runs, spec)
    launch(folder)
    while not (status := folder.status()).state.is_over:
        time.sleep(0.2)
    if status.state is not JobState.FINISHED:
        raise OvernightError("internal", f"{status.state}: {status.error}", "")  # type: ignore[arg-type]
    return status.result, time.monotonic() - began


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_plans_are_kept(library: Library) -> None:
    print("\npeak memory and time, promised and taken")
    for name, changes in PLANS.items():
        spec = msgspec.structs.replace(PLAIN, name=name, **changes)
        result, seconds = run(library, spec)
        memory = result["peak_bytes"] / result["planned_bytes"]
        minutes = result["minutes"] / result["planned_minutes"]
        print(
            f"{name:24} {result['planned_bytes'] / 1e9:.2f} GB: {memory:.3f} times;"
            f" {result['planned_minutes']:.2f} min: {minutes:.3f} times;"
            f" {result['steps']} steps, in all {seconds / 60:.2f} min",
            flush=True,
        )
