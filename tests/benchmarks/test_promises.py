"""What a plan promises beside what the run then takes: memory and time, over ten plans.

OVERNIGHT_BENCHMARK_PLANS chooses some of them by their names, parted by commas.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlx_backend import protocol
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
CHOSEN = os.environ.get("OVERNIGHT_BENCHMARK_PLANS", "")


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


@dataclass(frozen=True)
class Kept:
    """How a run kept its plan: what it took, as shares of what was promised."""

    memory: float
    time: float
    minutes_in_all: float


def run(library: Library, spec: TrainSpec) -> tuple[JobFolder, float]:
    """A run from its start to its end: its folder, and the seconds in all."""
    began = time.monotonic()
    folder = JobFolder.create(library.runs, spec)
    launch(folder)
    while not (status := folder.status()).state.is_over:
        time.sleep(0.2)
    assert status.state is JobState.FINISHED, status.error
    return folder, time.monotonic() - began


def result_of(folder: JobFolder) -> dict[str, Any]:
    return folder.status().result


def kept(folder: JobFolder, seconds: float) -> Kept:
    """Both times count steps and looks at the held-out loss, without loading and exams.

    A run that ends early, for it learns no more, is held to the share of its plan that it did.
    """
    result = result_of(folder)
    (planned,) = (e for e in folder.reader().read_new() if isinstance(e, protocol.Planned))
    promised = result["planned_minutes"] * result["steps"] / planned.steps
    return Kept(
        memory=result["peak_bytes"] / result["planned_bytes"],
        time=result["minutes"] / promised,
        minutes_in_all=seconds / 60,
    )


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_plans_are_kept(library: Library) -> None:
    print("\npeak memory and time, promised and taken")
    missed = []
    for name in CHOSEN.split(",") if CHOSEN else PLANS:
        changes = PLANS[name]
        folder, seconds = run(library, msgspec.structs.replace(PLAIN, name=name, **changes))
        found, result = kept(folder, seconds), result_of(folder)
        print(
            f"{name:24} {result['planned_bytes'] / 1e9:.2f} GB: {found.memory:.3f} times;"
            f" {result['planned_minutes']:.2f} min: {found.time:.3f} times;"
            f" {result['steps']} steps, in all {found.minutes_in_all:.2f} min",
            flush=True,
        )
        if abs(found.memory - 1) > 0.1:
            missed.append(f"{name}: memory")
        if abs(found.time - 1) > 0.15:
            missed.append(f"{name}: time")
        if changes.get("hours") == 0.1 and found.minutes_in_all > 6.5:
            missed.append(f"{name}: over by {found.minutes_in_all:.1f} minutes")
    assert not missed
