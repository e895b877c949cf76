"""How soon a training goes on after a bad end, and whether the window notices: the real starter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services import Services, make_services
from app.shell.window import Window
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library import Library
from tests.app.test_whole_journey import NOTES
from tests.app.tiny_library import environment
from tests.benchmarks.stalls import StallMeter
from tests.mlx_backend.jobs.acting_process import GPU_TIMEOUT, OUT_OF_MEMORY

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

FAULTS = {"out of memory": OUT_OF_MEMORY, "gpu timeout": GPU_TIMEOUT, "crash": ""}
_PATIENCE_MS = 600_000


@pytest.fixture
def services(tmp_path: Path, qapp: QApplication) -> Iterator[Services]:
    services = make_services(Library.open(tmp_path / "library"), qapp)
    yield services
    services.close()


def add_notes(home: Path) -> None:
    folder = home.parent / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "mlx_backend.cli", "import", str(folder)]
    subprocess.run(command, check=True, env=environment(home), capture_output=True)


def failing_run(services: Services) -> JobFolder:
    spec = protocol.TrainSpec(
        name="Falls", model="starter", steps=10, checkpoint_every=2, patience=protocol.NO_PATIENCE
    )
    folder = JobFolder.create(services.library.runs, spec)
    (folder.path / "faults.json").write_text(json.dumps(list(FAULTS.values())))
    folder.append(protocol.Launched())
    return folder


def pauses(folder: JobFolder) -> dict[str, float]:
    """Seconds from the last step before each bad end until it computed the next one."""
    found: dict[str, float] = {}
    elapsed: dict[int, float] = {}
    ending, before = "", 0.0
    for event in folder.reader().read_new():
        if isinstance(event, protocol.AttemptEnded):
            ending = event.ending
        elif isinstance(event, protocol.StepDone):
            if ending:
                step_s = event.elapsed_s - elapsed[event.step - 1]
                found[ending] = event.at - before - step_s
            ending, before, elapsed[event.step] = "", event.at, event.elapsed_s
    return found


def test_after_a_bad_end_it_goes_on_within_ten_seconds(services: Services, qtbot: QtBot) -> None:
    add_notes(services.library.home)
    window = Window(services)
    qtbot.addWidget(window)
    window.show()
    window.show_page("tonight")
    folder = failing_run(services)
    script = Path(__file__).with_name("failing_job.py")
    job = subprocess.Popen(
        [sys.executable, str(script), str(folder.path)], env=environment(services.library.home)
    )
    with StallMeter() as meter:
        qtbot.waitUntil(lambda: job.poll() is not None, timeout=_PATIENCE_MS)
        qtbot.waitUntil(
            lambda: [run.state for run in services.watcher.runs()] == [JobState.FINISHED]
        )
    found = pauses(folder)
    print("\n" + "; ".join(f"{ending}: on after {s:.1f} s" for ending, s in found.items()))
    print(f"the window meanwhile: {meter.describe()}")
    assert found.keys() == FAULTS.keys()
    assert max(found.values()) < 10
    assert meter.busiest_ms < 100  # training and window want the same processors meanwhile
