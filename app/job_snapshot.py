"""What the window shows of one job, added up from its events."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder, JobState, JobStatus


@dataclass(frozen=True)
class Curve:
    """A loss over steps; both arrays are equally long and the steps ascend."""

    steps: array[float] = field(default_factory=lambda: array("d"))
    losses: array[float] = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class JobSnapshot:
    """One job at one moment. Nothing in it changes any more."""

    folder: JobFolder
    spec: protocol.JobSpec
    status: JobStatus
    training: Curve = Curve()
    held_out: Curve = Curve()
    planned: protocol.Planned | None = None
    began_at: float = 0.0
    latest_at: float = 0.0
    worked_s: float = 0.0
    stopping: bool = False

    @property
    def id(self) -> str:
        """The job's id."""
        return self.folder.id

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        return self.status.state

    @property
    def is_active(self) -> bool:
        """Whether a process works on it, or is about to."""
        return not self.state.is_over


class JobRecord:
    """Adds a job's events up, one by one, into what a snapshot shows."""

    def __init__(self, folder: JobFolder, spec: protocol.JobSpec) -> None:
        self.folder = folder
        self.spec = spec
        self.status = JobStatus()
        self._training = _GrowingCurve()
        self._held_out = _GrowingCurve()
        self._planned: protocol.Planned | None = None
        self._began_at = 0.0
        self._worked_s = 0.0
        self._latest_at: float | None = None

    def apply(self, event: protocol.JobEvent) -> None:
        """Take one event into account."""
        self.status.apply(event)
        self._count_time(event)
        match event:
            case protocol.Planned():
                self._planned = event
            case protocol.StepDone():
                # After a resume, what came after the checkpoint is done again.
                self._training.add(event.step, event.loss)
                self._held_out.cut(event.step + 1)
            case protocol.Evaluated():
                self._held_out.add(event.step, event.loss)

    def snapshot(self, state: JobState, stopping: bool) -> JobSnapshot:
        """The job as it is now; later events do not change what this returns."""
        status = replace(self.status, state=state, notices=list(self.status.notices))
        return JobSnapshot(
            folder=self.folder,
            spec=self.spec,
            status=status,
            training=self._training.copy(),
            held_out=self._held_out.copy(),
            planned=self._planned,
            began_at=self._began_at,
            latest_at=self._latest_at or 0.0,
            worked_s=self._worked_s,
            stopping=stopping and not state.is_over,
        )

    def _count_time(self, event: protocol.JobEvent) -> None:
        # The hours between an interruption and its resume are nobody's work.
        if isinstance(event, protocol.Launched | protocol.Started):
            self._began_at = self._began_at or event.at
        elif self._latest_at is not None:
            self._worked_s += max(0.0, event.at - self._latest_at)
        self._latest_at = event.at


class _GrowingCurve:
    def __init__(self) -> None:
        self._steps = array("d")
        self._losses = array("d")

    def add(self, step: int, loss: float) -> None:
        if self._steps and step <= self._steps[-1]:
            self.cut(step)
        self._steps.append(step)
        self._losses.append(loss)

    def cut(self, first: int) -> None:
        while self._steps and self._steps[-1] >= first:
            self._steps.pop()
            self._losses.pop()

    def copy(self) -> Curve:
        return Curve(array("d", self._steps), array("d", self._losses))
