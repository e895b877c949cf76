"""Finds a library's jobs on disk and reads their new events. No Qt, so any thread may use it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from app.jobs.snapshot import JobRecord, JobSnapshot, Wishes
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.jobs.event_reader import EventReader

# A long log is read in pieces, so that news of other jobs, and quitting, never wait for it.
_PIECE_BYTES = 1 << 20


class JobScanner:
    """Follows every job below the given folders.

    `scan` looks at each job once and yields those that changed. Jobs that are over cost one
    `stat` each, and none at all when only the active ones are asked for.
    """

    def __init__(self, parents: tuple[Path, ...]) -> None:
        self._parents = parents
        self._jobs: dict[Path, _FollowedJob] = {}
        self._gone: list[str] = []

    def scan(self, active_only: bool = False) -> Iterator[JobSnapshot]:
        """The jobs with news since the last scan, the newest first."""
        if not active_only:
            self._find_new()
        for job in sorted(self._jobs.values(), key=lambda job: job.id, reverse=True):
            if job.unfinished or not active_only:
                snapshot = job.look()
                if snapshot is not None:
                    yield snapshot

    def forget(self, path: Path) -> None:
        """Stop following a job: its folder is going to be deleted."""
        self._jobs.pop(path, None)

    def take_gone(self) -> list[str]:
        """The ids of jobs that somebody else has deleted, each told once."""
        gone, self._gone = self._gone, []
        return gone

    @property
    def has_more(self) -> bool:
        """Whether a log was too long for one scan."""
        return any(job.has_more for job in self._jobs.values())

    def _find_new(self) -> None:
        there = [path for parent in self._parents for path in _folders(parent)]
        for path in self._jobs.keys() - set(there):
            self._gone.append(self._jobs.pop(path).id)
        for path in there:
            if path not in self._jobs:
                job = _follow(path)
                if job is not None:
                    self._jobs[path] = job


class _FollowedJob:
    def __init__(self, folder: JobFolder, record: JobRecord) -> None:
        self.id = folder.id
        self.has_more = True
        self.unfinished = True
        self._folder = folder
        self._record = record
        self._reader: EventReader = folder.reader()
        self._shown: tuple[JobState, Wishes] | None = None
        self._size = -1
        self._has_news = False

    def look(self) -> JobSnapshot | None:
        """The job's snapshot, if it differs from the one before."""
        size = _size(self._folder.events_path)
        if size == 0 or not (self.unfinished or self.has_more or size != self._size):
            return None
        self._size = size
        self._read()
        if self.has_more:
            return None
        state = self._settle()
        self.unfinished = not state.is_over
        wishes = self._wishes() if self.unfinished else Wishes()
        if not self._has_news and (state, wishes) == self._shown:
            return None
        self._shown, self._has_news = (state, wishes), False
        has_studied = state.is_over and self._folder.studied_at() > 0
        return self._record.snapshot(state, wishes, has_studied)

    def _wishes(self) -> Wishes:
        folder = self._folder
        return Wishes(stop=folder.stop_requested(), pause=folder.pause_requested())

    def _read(self) -> bool:
        events = self._reader.read_new(_PIECE_BYTES)
        for event in events:
            self._record.apply(event)
        self._has_news |= bool(events)
        self.has_more = bool(events) and self._reader.offset < self._size
        return bool(events)

    def _settle(self) -> JobState:
        state = self._folder.settled_state(self._record.status)
        if state is JobState.INTERRUPTED and self._read():
            # It wrote its last events and released the lock after we had read the log.
            state = self._folder.settled_state(self._record.status)
        return state


def _follow(path: Path) -> _FollowedJob | None:
    folder = JobFolder(path)
    try:
        return _FollowedJob(folder, JobRecord(folder, folder.spec()))
    except (OSError, OvernightError):
        # No spec yet: the folder is being made, and the next scan looks again.
        return None


def _folders(parent: Path) -> list[Path]:
    try:
        with os.scandir(parent) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
