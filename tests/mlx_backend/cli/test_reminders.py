from __future__ import annotations

import pytest

from mlx_backend import protocol
from mlx_backend.cli.main import main
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import ErrorReport, TrainSpec

FAILED = protocol.Failed(error=ErrorReport(kind="crashed", message="m"))
STEP = protocol.StepDone(
    step=1234,
    steps=2000,
    loss=2.0,
    learning_rate=1e-3,
    tokens_per_second=10.0,
    peak_bytes=1,
    elapsed_s=1.0,
    remaining_s=1.0,
)


def past_run(library: Library, *events: protocol.JobEvent) -> JobFolder:
    folder = JobFolder.create(library.runs, TrainSpec(name="Past", model="tiny"))
    for event in (protocol.Started(pid=1), *events):
        folder.append(event)
    return folder


@pytest.mark.parametrize("command", ["runs", "doctor"])
def test_runs_that_were_cut_short_are_offered(
    library: Library, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    for end in (protocol.Stopped(), FAILED, protocol.Finished(result={})):
        past_run(library, STEP, end)
    cut = past_run(library, STEP)
    done = past_run(library, STEP)
    done.write_report({"adapter": "Past"})
    assert main([command]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "interrupted" in line]
    assert told == [
        f"The run {cut.id} was interrupted at step 1,234. It had not saved anything yet; it starts"
        f" again from the beginning. Continue with: overnight resume {cut.id}"
    ]
    cut.append(protocol.CheckpointSaved(step=1200))
    assert main([command]) == 0
    assert "It can go on from step 1,200, where it saved last." in capsys.readouterr().err


def test_damaged_runs_and_other_jobs_are_passed_over(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    (past_run(library).path / "spec.json").write_bytes(b"\xff")
    JobFolder.create(library.runs, protocol.ImportSpec(paths=("/notes",)))
    assert main(["runs"]) == 0
    assert "interrupted" not in capsys.readouterr().err


def test_a_run_that_is_going_on_was_not_cut_short(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = past_run(library, STEP).lock()
    assert lock.acquire()
    assert main(["runs"]) == 0
    lock.release()
    assert "interrupted" not in capsys.readouterr().err
