"""What a command says beside its own business: runs that wait to be gone on with."""

from __future__ import annotations

from collections.abc import Iterator

from mlx_backend.cli.console import Console
from mlx_backend.cli.run_outcome import goes_on
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobFolder, JobState, JobStatus
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec


def remind_of_cut_short(library: Library, console: Console) -> None:
    """One line to stderr for each run that a crash, a reboot or a power cut ended."""
    for folder, status in _cut_short(library):
        where = f" at step {status.step:,}" if status.step else ""
        console.note(
            f"The run {folder.id} was cut short{where}. {goes_on(folder, status)}"
            f" Go on with: overnight resume {folder.id}"
        )


def _cut_short(library: Library) -> Iterator[tuple[JobFolder, JobStatus]]:
    for folder in reversed(JobFolder.all(library.runs)):
        if (folder.path / "report.json").exists():
            continue  # done: its events, which may be many, need not be read
        try:
            is_run = isinstance(folder.spec(), TrainSpec)
            status = folder.status()
        except (OSError, OvernightError):
            continue
        if is_run and status.state is JobState.INTERRUPTED:
            yield folder, status
