"""Which runs are resumed automatically after a restart of the machine."""

from __future__ import annotations

import time

from mlx_backend import protocol
from mlx_backend.errors import OvernightError
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.status import JobState
from mlx_backend.library.home import Library
from mlx_backend.protocol import TrainSpec

# A training may be what crashes the machine; it must not do so at every start.
_ATTEMPTS = 3
# A run that nobody resumed for so long is not resumed without asking.
_FORGOTTEN_S = 7 * 24 * 3600.0


def interrupted_runs(library: Library, now: float | None = None) -> list[JobFolder]:
    """The runs that were interrupted while they worked or waited, the oldest first.

    Not those that were stopped or have failed, that were started three times without progress, or
    that were interrupted more than a week ago. `now` is a Unix time.
    """
    moment = time.time() if now is None else now
    return [folder for folder in reversed(JobFolder.all(library.runs)) if _goes_on(folder, moment)]


def _goes_on(folder: JobFolder, now: float) -> bool:
    try:
        folder.check_version()
        if not isinstance(folder.spec(), TrainSpec):
            return False
        if folder.status().state is not JobState.INTERRUPTED or folder.stop_requested():
            return False
        events = folder.reader().read_new()
    except (OvernightError, OSError):
        return False
    return bool(events) and now - events[-1].at < _FORGOTTEN_S and _attempts(events) < _ATTEMPTS


def _attempts(events: list[protocol.JobEvent]) -> int:
    """How many of the run's processes began to compute since the last progress."""
    attempts, has_computed = 0, False
    for event in events:
        match event:
            case protocol.Launched():
                has_computed = False
            case protocol.CheckpointSaved():
                attempts = 0
            case protocol.StageBegan() if not has_computed:
                attempts, has_computed = attempts + 1, True
    return attempts
