"""Reminders of interrupted runs, which some commands print beside their own output."""

from __future__ import annotations

from collections.abc import Iterator

from mlx_backend.cli.console import Console
from mlx_backend.cli.run_outcome import goes_on
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobFolder, JobState, JobStatus
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec


def remind_of_interrupted(library: Library, console: Console) -> None:
    """Print one line to stderr for each run that a crash, a restart or a power cut interrupted."""
    for folder, status in _interrupted(library):
        where = f" at step {status.step:,}" if status.step else ""
        console.note(
            f"The run {folder.id} was interrupted{where}. {goes_on(folder, status)}"
            f" Continue with: overnight resume {folder.id}"
        )


def _interrupted(library: Library) -> Iterator[tuple[JobFolder, JobStatus]]:
    for folder in reversed(JobFolder.all(library.runs)):
        if (folder.path / "report.json").exists():
            continue  # done, so there is no need to read its events, which may be many
        try:
            is_run = isinstance(folder.spec(), TrainSpec)
            status = folder.status()
        except (OSError, OvernightError):
            continue
        if is_run and status.state is JobState.INTERRUPTED:
            yield folder, status
