"""Where a job stands: what its events add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mlx_backend import protocol

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
        """Whether the job can be resumed."""
        return self in (JobState.STOPPED, JobState.FAILED, JobState.INTERRUPTED)


@dataclass
class JobStatus:
    """What the events so far add up to; `apply` adds one.

    step, steps: how far the training is, and how many optimizer steps it has in all.
    checkpoint: the step of the checkpoint that the run would be resumed from.
    latest: the last step that was done since the process began.
    """

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

    @property
    def report(self) -> protocol.RunReport:
        """What a finished run reports; empty for every other job."""
        return protocol.read_report(self.result)

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
                    # That checkpoint was damaged: the training went on from the one before.
                    self.checkpoint = event.step - 1 or None
            case protocol.RolledBack():
                self.step = event.step
            case protocol.CheckpointSaved():
                self.checkpoint = event.step
            case protocol.EnergyUsed():
                self.watt_hours = event.watt_hours
            case protocol.Notice():
                self.notices.append(event.text)
