"""A job's folder: spec, lock, events and the request to stop. The folder is the truth."""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.locks import FileLock, is_held

CHECKPOINT_NAME = re.compile(r"step-(\d{6,})")

_STARTING_S = 20.0
# So that two processes that start a job in one millisecond do not meet.
_ID_NOISE_BYTES = 4
_ENDS_A_WAIT = (
    protocol.WaitOver,
    protocol.Launched,
    protocol.Started,
    protocol.Finished,
    protocol.Stopped,
    protocol.Failed,
)


class JobState(StrEnum):
    """Where a job stands."""

    STARTING = "starting"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_over(self) -> bool:
        """Whether no process works on it any more."""
        return self not in (JobState.STARTING, JobState.RUNNING)

    @property
    def can_resume(self) -> bool:
        """Whether going on makes sense."""
        return self in (JobState.STOPPED, JobState.FAILED, JobState.INTERRUPTED)


@dataclass
class JobStatus:
    """What the events so far add up to. Feed events in with `apply`."""

    state: JobState = JobState.STARTING
    launched_at: float = 0.0
    stage: str = ""
    step: int = 0
    steps: int = 0
    progress: protocol.Progress | None = None
    latest: protocol.StepDone | None = None
    checkpoint: int | None = None
    result: dict[str, object] = field(default_factory=dict)
    waiting: protocol.Waiting | None = None
    watt_hours: float = 0.0
    error: protocol.ErrorReport | None = None
    notices: list[str] = field(default_factory=list)

    def apply(self, event: protocol.JobEvent) -> None:
        """Take one event into account."""
        if isinstance(event, _ENDS_A_WAIT):
            self.waiting = None
        self._apply_to_state(event)
        self._apply_to_progress(event)

    def _apply_to_state(self, event: protocol.JobEvent) -> None:
        match event:
            case protocol.Launched():
                self.state, self.launched_at = JobState.STARTING, event.at
            case protocol.Started():
                self.state, self.error = JobState.RUNNING, None
                self.step, self.latest = event.resumed_from or 0, None
                self.checkpoint = event.resumed_from
            case protocol.Waiting():
                self.waiting = event
            case protocol.Finished():
                self.state, self.result = JobState.FINISHED, event.result
            case protocol.Stopped():
                self.state = JobState.STOPPED
            case protocol.Failed():
                self.state, self.error = JobState.FAILED, event.error

    def _apply_to_progress(self, event: protocol.JobEvent) -> None:
        match event:
            case protocol.StageBegan():
                self.stage, self.progress = event.stage, None
            case protocol.Progress():
                self.progress = event
            case protocol.Planned():
                self.steps = event.steps
            case protocol.StepDone():
                self.step, self.steps, self.latest = event.step, event.steps, event
                if self.checkpoint and event.step <= self.checkpoint:
                    # What was saved there could not be used: it went on from before.
                    self.checkpoint = event.step - 1 or None
            case protocol.RolledBack():
                self.step = event.step
            case protocol.CheckpointSaved():
                self.checkpoint = event.step
            case protocol.EnergyUsed():
                self.watt_hours = event.watt_hours
            case protocol.Notice():
                self.notices.append(event.text)


class EventReader:
    """Reads a job's events as they are appended; cheap to call often."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    @property
    def offset(self) -> int:
        """How many bytes of the log have been read."""
        return self._offset

    def read_new(self, limit: int = -1) -> list[protocol.JobEvent]:
        """The events appended since the last call; a line still being written waits.

        With a `limit` in bytes, a long log comes in pieces: call again until nothing is left.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                lines = file.readlines(limit)
        except FileNotFoundError:
            return []
        whole = [line for line in lines if line.endswith(b"\n")]
        self._offset += sum(map(len, whole))
        events = (protocol.decode_event(line) for line in whole)
        return [event for event in events if event is not None]


class JobFolder:
    """One job on disk. Making the object touches nothing."""

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
        """The file in which a run records its study, each time that something is saved."""
        return self.path / "study.json"

    def studied_at(self) -> float:
        """When something studied was saved last (Unix time); 0 where nothing was."""
        try:
            return self.study_record.stat().st_mtime
        except OSError:
            return 0.0

    def newest_checkpoint(self) -> int | None:
        """The step of the newest checkpoint, whole or not; None when there is none."""
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
        """An id for a new job: ids sort by the time (UTC) they were made."""
        now = time.time()
        moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        return f"{moment}-{int(now * 1000) % 1000:03d}{secrets.token_hex(_ID_NOISE_BYTES)}"

    @classmethod
    def create(cls, parent: Path, spec: protocol.JobSpec, job_id: str | None = None) -> JobFolder:
        """Make a job's folder with its spec; the process is not started."""
        folder = cls(parent / (job_id or cls.new_id()))
        folder.path.mkdir(parents=True)
        write_atomically(folder.path / "spec.json", protocol.encode_line(spec))
        return folder

    @classmethod
    def find(cls, parent: Path, job_id: str) -> JobFolder:
        """An existing job by id. Raises OvernightError when there is none."""
        folder = cls(parent / job_id)
        if not job_id or Path(job_id).name != job_id or not (folder.path / "spec.json").is_file():
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
        """What the job was asked to do. Raises OvernightError when it cannot be read."""
        return protocol.decode_spec((self.path / "spec.json").read_bytes())

    def reader(self) -> EventReader:
        """A reader that begins at the first event."""
        return EventReader(self.events_path)

    def status(self) -> JobStatus:
        """What all events so far and the lock say together."""
        status = JobStatus()
        self.refresh(status, self.reader())
        return status

    def refresh(self, status: JobStatus, reader: EventReader) -> list[protocol.JobEvent]:
        """Bring `status` up to date with the reader's new events, which are returned."""
        events = reader.read_new()
        for event in events:
            status.apply(event)
        state = self.settled_state(status)
        if state is JobState.INTERRUPTED:
            # Between the reading and the look at the lock the process may have ended in order.
            last_words = reader.read_new()
            for event in last_words:
                status.apply(event)
            state = self.settled_state(status)
            events += last_words
        status.state = state
        return events

    def settled_state(self, status: JobStatus) -> JobState:
        """The state that the events tell, corrected for a process that died without a word."""
        if status.state.is_over or is_held(self.path / "lock"):
            return status.state
        just_launched = time.time() - status.launched_at < _STARTING_S
        if status.state is JobState.STARTING and just_launched:
            return JobState.STARTING
        return JobState.INTERRUPTED

    def lock(self) -> FileLock:
        """The lock that the job's process holds while it lives."""
        return FileLock(self.path / "lock")

    def append(self, event: protocol.JobEvent) -> None:
        """Append an event; one write, so that a reader never sees two half lines."""
        descriptor = os.open(self.events_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            line = protocol.encode_line(event)
            if os.write(descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.events_path))
        finally:
            os.close(descriptor)

    def seal_last_line(self) -> None:
        """End a line that a killed process left half-written, so that the next stands alone."""
        try:
            with self.events_path.open("rb") as file:
                if file.seek(0, os.SEEK_END) == 0:
                    return
                file.seek(-1, os.SEEK_END)
                if file.read(1) == b"\n":
                    return
        except FileNotFoundError:
            return
        with self.events_path.open("ab") as file:  # appended: nothing can be written over
            file.write(b"\n")

    def request_stop(self) -> None:
        """Ask the job to end after its present step."""
        (self.path / "stop").touch()

    def stop_requested(self) -> bool:
        """Whether it was asked to."""
        return (self.path / "stop").exists()

    def clear_stop_request(self) -> None:
        """Forget an earlier request, when a job is taken up again."""
        (self.path / "stop").unlink(missing_ok=True)

    def request_pause(self) -> None:
        """Ask the job to save, to give its memory back, and to wait until the pause is cleared."""
        (self.path / "pause").touch()

    def pause_requested(self) -> bool:
        """Whether it is to wait."""
        return (self.path / "pause").exists()

    def clear_pause(self) -> None:
        """Let the job go on."""
        (self.path / "pause").unlink(missing_ok=True)

    def write_report(self, report: dict[str, object]) -> Path:
        """Write report.json: what the job achieved."""
        path = self.path / "report.json"
        write_atomically(path, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
        return path
