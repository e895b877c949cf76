"""A job's folder: spec, lock, events and the request to stop. The folder is the truth."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from pathlib import Path

import msgspec

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.jobs.event_reader import EventReader
from mlx_backend.jobs.status import JobState, JobStatus
from mlx_backend.library.adapter_names import is_folder_name
from mlx_backend.locks import FileLock, is_held

CHECKPOINT_NAME = re.compile(r"step-(\d{6,})")

_STARTING_S = 20.0
# Random bytes of an id, so that two jobs made in the same millisecond have different ids.
_ID_NOISE_BYTES = 4


class JobFolder:
    """One job on disk. Constructing the object touches no file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def events_path(self) -> Path:
        """The append-only event log."""
        return self.path / "events.jsonl"

    @property
    def log_path(self) -> Path:
        """What the job's process and its libraries printed."""
        return self.path / "job.log"

    @property
    def checkpoints(self) -> Path:
        """A run's checkpoints."""
        return self.path / "checkpoints"

    @property
    def study_record(self) -> Path:
        """The file in which a run records its study, rewritten whenever study saves samples."""
        return self.path / "study.json"

    @property
    def preparing_record(self) -> Path:
        """The file in which a run records how long it prepared its training."""
        return self.path / "preparing.json"

    def studied_at(self) -> float:
        """When study last saved samples (Unix time); 0 where it has saved none."""
        try:
            return self.study_record.stat().st_mtime
        except OSError:
            return 0.0

    def newest_checkpoint(self) -> int | None:
        """The step of the newest checkpoint, damaged or not; None when there is none."""
        if not self.checkpoints.is_dir():
            return None
        names = (CHECKPOINT_NAME.fullmatch(path.name) for path in self.checkpoints.iterdir())
        return max((int(name[1]) for name in names if name), default=None)

    @property
    def home(self) -> Path:
        """The library that the job belongs to."""
        return self.path.parent.parent

    @staticmethod
    def new_id() -> str:
        """An id for a new job: ids sort by the time (UTC) at which they were made."""
        now = time.time()
        moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        return f"{moment}-{int(now * 1000) % 1000:03d}{secrets.token_hex(_ID_NOISE_BYTES)}"

    @classmethod
    def create(cls, parent: Path, spec: protocol.JobSpec, job_id: str | None = None) -> JobFolder:
        """Make a job's folder with its spec, without starting its process."""
        folder = cls(parent / (job_id or cls.new_id()))
        folder.path.mkdir(parents=True)
        write_atomically(folder.path / "spec.json", protocol.encode_line(spec))
        return folder

    @classmethod
    def find(cls, parent: Path, job_id: str) -> JobFolder:
        """The job with this id. Raises OvernightError when there is none."""
        folder = cls(parent / job_id)
        if not is_folder_name(job_id) or not (folder.path / "spec.json").is_file():
            raise OvernightError(
                ErrorKind.RUN_UNKNOWN,
                f"There is no run called '{job_id}'.",
                "`overnight runs` lists those that there are.",
            )
        return folder

    @classmethod
    def all(cls, parent: Path) -> list[JobFolder]:
        """All jobs below `parent`, the newest first."""
        found = [cls(path.parent) for path in parent.glob("*/spec.json")]
        return sorted(found, key=lambda folder: folder.id, reverse=True)

    def spec(self) -> protocol.JobSpec:
        """What the job was asked to do. Raises OvernightError when that cannot be read."""
        return protocol.decode_spec((self.path / "spec.json").read_bytes())

    def check_version(self) -> None:
        """Raise OvernightError where a newer version of Overnight made the job.

        Its spec can then be shown, but may ask for something that this version does not know of.
        """
        with contextlib.suppress(FileNotFoundError):
            protocol.check_version((self.path / "spec.json").read_bytes())

    def reader(self) -> EventReader:
        """A reader at the start of the job's log."""
        return EventReader(self.events_path)

    def status(self) -> JobStatus:
        """Where the job stands, by its events and its lock."""
        status = JobStatus()
        self.refresh(status, self.reader())
        return status

    def refresh(self, status: JobStatus, reader: EventReader) -> list[protocol.JobEvent]:
        """Bring `status` up to date with the reader's new events; returns these."""
        events = reader.read_new()
        for event in events:
            status.apply(event)
        state = self.settled_state(status)
        if state is JobState.INTERRUPTED:
            # The process may have ended in order after the log was read, before the lock was.
            last_events = reader.read_new()
            for event in last_events:
                status.apply(event)
            state = self.settled_state(status)
            events += last_events
        status.state = state
        return events

    def settled_state(self, status: JobStatus) -> JobState:
        """The state by the events, or interrupted where the process died without reporting it."""
        if status.state.is_over or is_held(self.path / "lock"):
            return status.state
        just_launched = time.time() - status.launched_at < _STARTING_S
        if status.state is JobState.STARTING and just_launched:
            return JobState.STARTING
        return JobState.INTERRUPTED

    def lock(self) -> FileLock:
        """The lock that the job's process holds for as long as it lives."""
        return FileLock(self.path / "lock")

    def append(self, event: protocol.JobEvent) -> None:
        """Append an event, in one write, so that the lines of two processes never mix.

        Raises OSError when the disk does not take the whole line.
        """
        descriptor = os.open(self.events_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            line = protocol.encode_line(event)
            if os.write(descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.events_path))
        finally:
            os.close(descriptor)

    def seal_last_line(self) -> None:
        """End a line that a killed process left half-written, so that the next begins a new one."""
        try:
            with self.events_path.open("rb") as file:
                if file.seek(0, os.SEEK_END) == 0:
                    return
                file.seek(-1, os.SEEK_END)
                if file.read(1) == b"\n":
                    return
        except FileNotFoundError:
            return
        with self.events_path.open("ab") as file:  # appending never overwrites an event
            file.write(b"\n")

    def request_stop(self) -> None:
        """Ask the job to end after the step that it is computing."""
        (self.path / "stop").touch()

    def stop_requested(self) -> bool:
        """Whether the job was asked to stop."""
        return (self.path / "stop").exists()

    def clear_stop_request(self) -> None:
        """Forget an earlier request to stop, when the job is resumed."""
        (self.path / "stop").unlink(missing_ok=True)

    def request_pause(self) -> None:
        """Ask the job to save, free its memory, and wait until the pause is cleared."""
        (self.path / "pause").touch()

    def pause_requested(self) -> bool:
        """Whether the job was asked to pause."""
        return (self.path / "pause").exists()

    def clear_pause(self) -> None:
        """Let a paused job go on."""
        (self.path / "pause").unlink(missing_ok=True)

    def write_report(self, report: dict[str, object]) -> Path:
        """Write report.json with the fields of a `RunReport`; returns its path."""
        path = self.path / "report.json"
        write_atomically(path, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
        return path
