"""Adoptions whose process is killed while it copies: nothing is half-written, and they go on."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mlx_backend import protocol
from mlx_backend.files import sha256_of_file
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library import Library
from mlx_backend.library.models import list_models, read_model
from tests.mlx_backend.adoption.places import WEIGHTS, grown_old, state_of
from tests.mlx_backend.models.hub.weights import enlarge_folder

_PROCESS = Path(__file__).with_name("slow_copying.py")
KILLS = 8
MB = 1 << 20


def start(folder: JobFolder) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    folder.append(protocol.Launched())
    with folder.log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, str(_PROCESS), str(folder.path)], env=environment, stderr=log
        )


def wait(until: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_killed_at_random_moments_it_goes_on(
    library: Library, model_files: Path, tmp_path: Path
) -> None:
    files = tmp_path / "Tiny-1B"
    shutil.copytree(model_files, files)
    enlarge_folder(files, 48 * MB)
    before = state_of(grown_old(files))
    folder = JobFolder.create(library.jobs, protocol.AdoptSpec(path=str(files)))
    part, chance, there = folder.path / "parts" / WEIGHTS, random.Random(15), 0

    def amount() -> int:
        return part.stat().st_size if part.exists() else 0

    for _ in range(KILLS):
        goal = there + chance.randint(0, 5 * MB)
        process = start(folder)
        wait(lambda goal=goal: amount() > goal)  # type: ignore[misc]
        process.kill()
        process.wait()
        assert not list_models(library.models)
        assert amount() >= there, "what was there is kept"
        there = amount()
    assert there > 8 * MB
    process = start(folder)
    assert process.wait(60) == 0
    assert folder.status().state is JobState.FINISHED
    model = read_model(library.models, "Tiny-1B")
    assert (
        model.card.sha256 == sha256_of_file(model.path / WEIGHTS) == sha256_of_file(files / WEIGHTS)
    )
    assert state_of(files) == before
    assert [path.name for path in library.models.iterdir() if path.is_dir()] == ["Tiny-1B"]
