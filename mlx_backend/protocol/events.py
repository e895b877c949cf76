"""Job events: what a job tells about itself. Appended to the job's events.jsonl, one a line."""

from __future__ import annotations

import time
from typing import Literal

from msgspec import Struct, field

from mlx_backend.protocol.message import ErrorReport, Message


class Event(Message, frozen=True, kw_only=True, tag_field="event"):
    """The base of job events; `at` is the Unix time in seconds."""

    at: float = field(default_factory=time.time)


class Launched(Event, frozen=True, kw_only=True, tag="launched"):
    """A process was started for the job; it has not reported yet."""


class Started(Event, frozen=True, kw_only=True, tag="started"):
    """A process began to work on the job: once at first, and again after each resume.

    `resumed_from` is the step of the checkpoint that it goes on from.
    """

    pid: int
    resumed_from: int | None = None


class StageBegan(Event, frozen=True, kw_only=True, tag="stage"):
    """A new part of the work: "reading", "curating", "preparing", "training", "checking", ..."""

    stage: str


class Progress(Event, frozen=True, kw_only=True, tag="progress"):
    """`done` of `total` `unit`s of the present stage; `total` is 0 while it is not known.

    `remaining_s` is about how many seconds the stage still takes; None where that is not known.
    """

    done: int
    total: int
    unit: str
    text: str = ""
    remaining_s: float | None = None


WaitReason = Literal["time", "turn", "battery", "heat", "memory", "disk", "paused"]


class Waiting(Event, frozen=True, kw_only=True, tag="waiting"):
    """Nothing is computed now; `text` says why. `until` is a Unix time, where it is known.

    needed_bytes: the memory that has to be free first, where that is what the run waits for.
    could_take_less: the run could also train in a slower way that takes less memory.
    """

    reason: WaitReason
    text: str
    until: float | None = None
    needed_bytes: int = 0
    could_take_less: bool = False


class WaitOver(Event, frozen=True, kw_only=True, tag="wait over"):
    """The reason to wait is gone; the work goes on."""


Ending = Literal["stopped", "out of memory", "gpu timeout", "crash", "killed", "disk full"]
"""Why a training process ended before its work was done."""


class AttemptEnded(Event, frozen=True, kw_only=True, tag="attempt ended"):
    """The training process ended before its work was done; `text` says what happens next."""

    ending: Ending
    step: int
    text: str


class EnergyUsed(Event, frozen=True, kw_only=True, tag="energy"):
    """The energy (Wh) that the run has used since it began, and how that was estimated."""

    watt_hours: float
    how: str


class Planned(Event, frozen=True, kw_only=True, tag="planned"):
    """The plan of the training: how much it trains on, in how many steps.

    It will need `peak_bytes` of the `machine_bytes` of memory; both are 0 where not measured.
    """

    notes: int
    samples: int
    held_out: int
    steps: int
    peak_bytes: int = 0
    machine_bytes: int = 0


class StepDone(Event, frozen=True, kw_only=True, tag="step"):
    """One optimizer step: mean loss per target token, speed, memory, remaining time.

    loss: what the step makes smaller: cross-entropy and KL divergence (nats), each times the weight
    of its target and, for soft targets of a temperature T, times T squared. Held-out losses are
    not weighted and have no temperature, so the two cannot be compared.
    The remaining time is most likely within `remaining_error_s` of `remaining_s`.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    tokens_per_second: float
    peak_bytes: int
    elapsed_s: float
    remaining_s: float
    remaining_error_s: float = 0.0


class StepSkipped(Event, frozen=True, kw_only=True, tag="skipped"):
    """A batch whose loss or gradient was not a number; nothing was learned from it."""

    step: int


class RolledBack(Event, frozen=True, kw_only=True, tag="rolled back"):
    """The training diverged; it goes on from `step` with its learning rate multiplied by `rate`."""

    step: int
    rate: float


class Evaluated(Event, frozen=True, kw_only=True, tag="evaluated"):
    """The held-out loss (nats per target token) after `step` steps; `best`: the lowest so far."""

    step: int
    loss: float
    best: bool = False


class CheckpointSaved(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """Everything that the rest of the run depends on is on disk."""

    step: int


class Spoke(Event, frozen=True, kw_only=True, tag="spoke"):
    """What the model answers to the run's prompt after `step` steps."""

    step: int
    prompt: str
    text: str


class ExamAnswer(Struct, frozen=True, kw_only=True):
    """A question of the exam, the model's answer, and whether that was marked right."""

    question: str
    text: str
    right: bool


class Examined(Event, frozen=True, kw_only=True, tag="examined"):
    """A batch of answers in the exam of the questions that were set aside, as they were marked."""

    answers: tuple[ExamAnswer, ...]


class Notice(Event, frozen=True, kw_only=True, tag="notice"):
    """A sentence for the person."""

    text: str


class Finished(Event, frozen=True, kw_only=True, tag="finished"):
    """The job is done; `result` has the fields of the command's `--json`.

    A run's result is `RunReport.fields()`; read it with `read_report`.
    """

    result: dict[str, object]


class Stopped(Event, frozen=True, kw_only=True, tag="stopped"):
    """The job stopped because it was asked to; it can be resumed."""

    step: int | None = None


class Failed(Event, frozen=True, kw_only=True, tag="failed"):
    """The job could not go on."""

    error: ErrorReport


JobEvent = (
    Launched
    | Started
    | StageBegan
    | Progress
    | Waiting
    | WaitOver
    | AttemptEnded
    | EnergyUsed
    | Planned
    | StepDone
    | StepSkipped
    | RolledBack
    | Evaluated
    | CheckpointSaved
    | Spoke
    | Examined
    | Notice
    | Finished
    | Stopped
    | Failed
)
