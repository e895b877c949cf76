"""Job processes as they are: started, killed, stopped, resumed. Each costs seconds, so few."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from mlx_backend import locks, protocol
from mlx_backend.errors import ErrorKind
from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.library import Library
from mlx_backend.library.adapters import WEIGHTS
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.protocol import NO_PATIENCE, ExportSpec, ImportSpec, TrainSpec
from tests.mlx_backend.arrays import bits

SPEC = TrainSpec(
    name="Whole",
    model="tiny",
    steps=30,
    rank=4,
    dropout=0.1,
    checkpoint_every=5,
    patience=NO_PATIENCE,  # whatever machine the tests run on
)


@pytest.fixture(autouse=True)
def no_job_outlives_its_test(library: Library) -> Iterator[None]:
    yield
    for folder in (*JobFolder.all(library.runs), *JobFolder.all(library.jobs)):
        started = [e for e in folder.reader().read_new() if isinstance(e, protocol.Started)]
        if started and locks.is_held(folder.path / "lock"):
            os.kill(started[-1].pid, signal.SIGKILL)


def wait(folder: JobFolder, until: Callable[[JobStatus], bool]) -> JobStatus:
    deadline = time.monotonic() + 60
    while not until(status := folder.status()):
        assert time.monotonic() < deadline, (status, folder.log_path.read_text())
        time.sleep(0.03)
    return status


def wait_until_over(folder: JobFolder) -> JobStatus:
    return wait(folder, lambda status: status.state.is_over)


def run(library: Library, spec: protocol.JobSpec) -> JobStatus:
    parent = library.runs if isinstance(spec, TrainSpec) else library.jobs
    folder = JobFolder.create(parent, spec)
    launch(folder)
    return wait_until_over(folder)


def factors(library: Library, name: str) -> dict[str, bytes]:
    return bits(load_tensors(library.adapters / name / WEIGHTS))


def test_killed_stopped_and_resumed_it_ends_with_the_same_adapter(filled_library: Library) -> None:
    assert run(filled_library, SPEC).state is JobState.FINISHED
    spec = msgspec.structs.replace(SPEC, name="Cut")
    folder = JobFolder.create(filled_library.runs, spec)
    pid = launch(folder)
    wait(folder, lambda status: (status.checkpoint or 0) >= 5)
    os.kill(pid, signal.SIGKILL)
    status = wait_until_over(folder)
    assert status.state is JobState.INTERRUPTED
    killed_at = status.step

    launch(folder)
    status = wait(folder, lambda status: status.state is not JobState.STARTING)
    status = wait(folder, lambda status: status.step > (status.checkpoint or 0) >= 5)
    assert any("from the last checkpoint" in notice for notice in status.notices)
    folder.request_stop()
    status = wait_until_over(folder)
    if status.state is JobState.STOPPED:  # else it was quicker than the request
        assert status.checkpoint == status.step >= min(killed_at, 5)
        launch(folder)
        status = wait_until_over(folder)
    assert status.state is JobState.FINISHED
    assert status.result["steps"] == 30
    assert factors(filled_library, "Cut") == factors(filled_library, "Whole")


def test_a_second_run_waits_for_its_turn(filled_library: Library) -> None:
    folder = JobFolder.create(filled_library.runs, SPEC)
    with locks.held(filled_library.lane):
        launch(folder)
        status = wait(folder, lambda status: status.waiting is not None)
        assert status.waiting is not None
        assert status.waiting.reason == "turn"
        assert status.state is JobState.RUNNING
        folder.request_stop()
        assert wait_until_over(folder).state is JobState.STOPPED


def test_an_import_and_an_export_are_jobs_too(tiny_library: Library, notes_folder: Path) -> None:
    status = run(tiny_library, ImportSpec(paths=(str(notes_folder),)))
    assert status.state is JobState.FINISHED
    assert status.result["added"] == 3
    status = run(tiny_library, ExportSpec(name="nobody", format="mlx", to=str(notes_folder / "x")))
    assert status.state is JobState.FAILED
    assert status.error is not None
    assert status.error.kind == ErrorKind.ADAPTER_UNKNOWN


def test_a_job_of_an_earlier_version_is_worked_on(
    tiny_library: Library, notes_folder: Path
) -> None:
    status = run(tiny_library, ImportSpec(paths=(str(notes_folder),), v=protocol.VERSION - 1))
    assert status.state is JobState.FINISHED


def test_secrets_in_names_of_files_stay_out_of_a_jobs_folder(
    tiny_library: Library, notes_folder: Path
) -> None:
    key = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"
    for number in range(9):
        (notes_folder / f" {number} cloud {key}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    status = run(tiny_library, ImportSpec(paths=(str(notes_folder),)))
    listed = status.result["skipped"]
    assert isinstance(listed, list)
    assert {Path(each["path"]).suffix for each in listed} == {".png"}
    assert len(listed) == 9
    (folder,) = JobFolder.all(tiny_library.jobs)
    for path in folder.path.iterdir():
        assert key.encode() not in path.read_bytes(), path
    assert b" removed].png" in (folder.path / "events.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["", "missing"])
def test_secrets_in_the_path_that_was_dropped_stay_in_its_spec(
    tiny_library: Library, tmp_path: Path, name: str
) -> None:
    password, key = "Zk4" + "bTq9w!27", "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"
    dropped = tmp_path / f"password={password}" / key
    dropped.mkdir(parents=True)
    (dropped / "pier.md").write_text("The pier was built in 1902.")
    (dropped / "lens.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    folder = JobFolder.create(tiny_library.jobs, ImportSpec(paths=(str(dropped / name),)))
    launch(folder)
    status = wait_until_over(folder)
    assert status.state is (JobState.FAILED if name else JobState.FINISHED)
    assert "[AWS key removed]" in str(status.error.message if status.error else status.result)
    for path in folder.path.iterdir():
        told = any(secret.encode() in path.read_bytes() for secret in (password, key))
        assert told == (path.name == "spec.json"), path


@pytest.mark.parametrize("data", [None, b"{", b'{"job": "dance"}'])
def test_a_spec_that_cannot_be_read(tiny_library: Library, data: bytes | None) -> None:
    folder = JobFolder.create(tiny_library.runs, SPEC)
    path = folder.path / "spec.json"
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    launch(folder)
    status = wait_until_over(folder)
    assert status.state is JobState.FAILED
    assert status.error is not None
    assert status.error.kind != ErrorKind.INTERNAL
    assert status.error.hint
