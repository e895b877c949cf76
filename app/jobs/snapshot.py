"""What the window shows of one job, added up from its events."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import cached_property

from app.jobs.curve import Curve, GrowingCurve
from app.jobs.run_marks import Mark, RunMarks, mark_of
from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState, JobStatus

_MOST_SPOKEN = 50
_MOST_NOTICES = 20


@dataclass(frozen=True)
class Wishes:
    """What a person asked a job to do that has not happened yet."""

    stop: bool = False
    pause: bool = False


@dataclass(frozen=True)
class Night:
    """What the picture of a run shows.

    spoken: what the model said at the latest checkpoints, the newest last.
    said: the latest notice of the run itself; "" where it is out of date.
    """

    training: Curve = field(default_factory=Curve)
    held_out: Curve = field(default_factory=Curve)
    best: protocol.Evaluated | None = None
    marks: tuple[Mark, ...] = ()
    spoken: tuple[protocol.Spoke, ...] = ()
    planned: protocol.Planned | None = None
    energy: protocol.EnergyUsed | None = None
    said: str = ""


@dataclass(frozen=True)
class JobSnapshot:
    """One job at one moment; immutable.

    Times are Unix times, `worked_s` the seconds of work without waits and interruptions.
    has_studied: of a run that is over, whether its study saved something.
    """

    folder: JobFolder
    spec: protocol.JobSpec
    status: JobStatus
    night: Night = field(default_factory=Night)
    began_at: float = 0.0
    latest_at: float = 0.0
    worked_s: float = 0.0
    wishes: Wishes = Wishes()
    has_studied: bool = False

    @property
    def id(self) -> str:
        """The job's id."""
        return self.folder.id

    @property
    def name(self) -> str:
        """The name of the adapter that a run was asked to make; the id of any other job."""
        return self.spec.name if isinstance(self.spec, protocol.TrainSpec) else self.id

    @property
    def adapter(self) -> str:
        """The adapter that a finished run filed: under another name, where its own was taken."""
        return self.report.filed.adapter or self.name

    @cached_property
    def report(self) -> protocol.RunReport:
        """What a finished run reports; empty for every other job."""
        return self.status.report

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        return self.status.state

    @property
    def is_active(self) -> bool:
        """Whether a process works on the job, or is about to."""
        return not self.state.is_over

    @property
    def stopping(self) -> bool:
        """Whether the job was asked to stop and has not stopped yet."""
        return self.is_active and self.wishes.stop

    @property
    def waiting(self) -> protocol.Waiting | None:
        """What the job waits for now; None where it does not wait."""
        return self.status.waiting if self.is_active else None

    @property
    def is_paused(self) -> bool:
        """Whether the job waits because a person paused it."""
        return self.waiting is not None and self.waiting.reason == "paused"

    @property
    def pausing(self) -> bool:
        """Whether the job was asked to pause and has not paused yet."""
        return self.is_active and self.wishes.pause and not self.is_paused


class JobRecord:
    """Adds up a job's events, one by one, into what a snapshot shows."""

    def __init__(self, folder: JobFolder, spec: protocol.JobSpec) -> None:
        self.folder = folder
        self.spec = spec
        self.status = JobStatus()
        self._training = GrowingCurve()
        self._held_out = GrowingCurve()
        self._marks = RunMarks()
        self._spoken: deque[protocol.Spoke] = deque(maxlen=_MOST_SPOKEN)
        self._night = Night()
        self._began_at = 0.0
        self._worked_s = 0.0
        self._latest_at: float | None = None

    def apply(self, event: protocol.JobEvent) -> None:
        """Take one event into account."""
        self._count_time(event)
        mark = mark_of(event, self.status)
        if mark is not None:
            self._marks.add(mark)
        self.status.apply(event)
        del self.status.notices[:-_MOST_NOTICES]
        self._add_to_curves(event)
        self._add_to_night(event)

    def snapshot(self, state: JobState, wishes: Wishes, has_studied: bool = False) -> JobSnapshot:
        """The job as it is now; later events do not change what this returns."""
        status = replace(self.status, state=state, notices=list(self.status.notices))
        night = replace(
            self._night,
            training=self._training.copy(),
            held_out=self._held_out.copy(),
            marks=self._marks.all(),
            spoken=tuple(self._spoken),
        )
        return JobSnapshot(
            folder=self.folder,
            spec=self.spec,
            status=status,
            night=night,
            began_at=self._began_at,
            latest_at=self._latest_at or 0.0,
            worked_s=self._worked_s,
            wishes=wishes,
            has_studied=has_studied,
        )

    def _add_to_curves(self, event: protocol.JobEvent) -> None:
        match event:
            case protocol.StepDone():
                # After a resume, the steps since the checkpoint are done again.
                self._training.add(event.step, event.loss, event.at)
                self._forget_after(event.step)
            case protocol.RolledBack():
                self._training.cut(event.step + 1)
                self._forget_after(event.step)
            case protocol.Evaluated():
                self._held_out.add(event.step, event.loss, event.at)
                if event.best:
                    self._night = replace(self._night, best=event)

    def _forget_after(self, step: int) -> None:
        self._held_out.cut(step + 1)
        best = self._night.best
        if best is not None and best.step > step:
            self._night = replace(self._night, best=None)

    def _add_to_night(self, event: protocol.JobEvent) -> None:
        match event:
            case protocol.Planned():
                self._night = replace(self._night, planned=event)
            case protocol.EnergyUsed():
                self._night = replace(self._night, energy=event)
            case protocol.Notice() | protocol.AttemptEnded():
                self._night = replace(self._night, said=event.text)
            case protocol.CheckpointSaved():
                self._night = replace(self._night, said="")  # out of date by now
            case protocol.Spoke():
                while self._spoken and self._spoken[-1].step >= event.step:
                    self._spoken.pop()
                self._spoken.append(event)

    def _count_time(self, event: protocol.JobEvent) -> None:
        # Neither waiting nor the hours between an interruption and its resume are work.
        if isinstance(event, protocol.Launched | protocol.Started):
            self._began_at = self._began_at or event.at
        elif self._latest_at is not None and self.status.waiting is None:
            self._worked_s += max(0.0, event.at - self._latest_at)
        self._latest_at = event.at
