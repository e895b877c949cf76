"""Every message between processes: job specs, job events, and what the worker hears and says.

One JSON object a line. `VERSION` goes up when a field changes its meaning; a line of another
version is dropped like any other line that cannot be read.
"""

from __future__ import annotations

import logging
import time
from typing import Literal, TypeVar

import msgspec
from msgspec import field

from mlx_backend.errors import ErrorKind, OvernightError

VERSION = 1

_log = logging.getLogger(__name__)
_M = TypeVar("_M", bound="Message")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all messages; `v` is the protocol's version."""

    v: int = VERSION


class ErrorReport(msgspec.Struct, frozen=True, kw_only=True):
    """An `OvernightError` on its way to another process."""

    kind: str
    message: str
    hint: str = ""
    detail: str = ""

    @classmethod
    def of(cls, error: OvernightError) -> ErrorReport:
        """Pack an error. It may quote a note, and is kept: what is private is masked in it."""
        from mlx_backend.private_data.masking import mask
        from mlx_backend.private_data.scan import find_secrets

        message, detail = (mask(told, find_secrets(told)) for told in (error.message, error.detail))
        return cls(kind=error.kind.value, message=message, hint=error.hint, detail=detail)

    def to_error(self) -> OvernightError:
        """Unpack it again; a kind of a later version becomes `internal`."""
        known = {kind.value for kind in ErrorKind}
        kind = ErrorKind(self.kind) if self.kind in known else ErrorKind.INTERNAL
        return OvernightError(kind, self.message, self.hint, self.detail)


# --- Job specs: what a job was asked to do; written once as spec.json -------------------------


class ImportSpec(Message, frozen=True, kw_only=True, tag="import", tag_field="job"):
    """Read notes from these absolute paths into the library."""

    paths: tuple[str, ...]


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """What a run waits for, before it starts and while it goes on."""

    on_battery: bool = True
    when_hot: bool = True
    when_memory_is_short: bool = True


NO_PATIENCE = Patience(on_battery=False, when_hot=False, when_memory_is_short=False)
"""For what a person stands beside."""


AdapterKind = Literal["lora", "dora", "rslora"]


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that trains along: its name for `ssh`, and the addresses it is reached at."""

    ssh: str
    ips: tuple[str, ...] = ()


class TrainSpec(Message, frozen=True, kw_only=True, tag="train", tag_field="job"):
    """Train an adapter called `name`. `steps` None: as many as `passes` and `hours` ask for.

    `start_at` and `finish_by` are Unix times; the run waits for the one and ends by the other.
    `start_from_id` is the id of the adapter `start_from`, whatever that is called by then; "" in
    what an earlier version wrote. `scale` multiplies the adapter's change; with the kind "rslora"
    it is divided by the root of rank/16. `low_memory` trades a fifth of the speed for half of the
    memory. `prompt` is asked at every checkpoint, to hear how the model changes. Without `study`
    the notes' text is trained as it stands. `hosts` are the machines that it was begun with, where
    there are several; a batch is as large as all of them compute at once.
    """

    name: str
    model: str
    steps: int | None = None
    hours: float | None = None
    start_at: float | None = None
    finish_by: float | None = None
    start_from: str | None = None
    start_from_id: str = ""
    passes: int = 12
    kind: AdapterKind = "lora"
    rank: int = 16
    scale: float = 2.0
    dropout: float = 0.0
    learning_rate: float = 1e-3
    seed: int = 0
    checkpoint_every: int = 50
    low_memory: bool = False
    prompt: str = ""
    study: bool = True
    patience: Patience = field(default_factory=Patience)
    hosts: tuple[Host, ...] = ()

    @property
    def machines(self) -> int:
        """How many machines a batch is made for."""
        return max(1, len(self.hosts))


class ExportSpec(Message, frozen=True, kw_only=True, tag="export", tag_field="job"):
    """Write adapter `name` to the path `to` in a format, and verify what was written.

    `adapter` is its id, by which it is known when its name has become another one's; "" in what an
    earlier version wrote.
    """

    name: str
    adapter: str = ""
    format: Literal["mlx"]
    to: str


JobSpec = ImportSpec | TrainSpec | ExportSpec


# --- Job events: what a job says of itself; appended to events.jsonl --------------------------


class Event(Message, frozen=True, kw_only=True, tag_field="event"):
    """The base of job events; `at` is the Unix time in seconds."""

    at: float = field(default_factory=time.time)


class Launched(Event, frozen=True, kw_only=True, tag="launched"):
    """Someone started a process for the job; it has not reported yet."""


class Started(Event, frozen=True, kw_only=True, tag="started"):
    """A process took the job up; the first of several after a resume."""

    pid: int
    resumed_from: int | None = None


class StageBegan(Event, frozen=True, kw_only=True, tag="stage"):
    """A new part of the work: "reading", "curating", "preparing", "training", "checking", ..."""

    stage: str


class Progress(Event, frozen=True, kw_only=True, tag="progress"):
    """`done` of `total` `unit`s of the present stage; `total` 0 while it is not known.

    The stage takes about `remaining_s` seconds more, None where that cannot be told.
    """

    done: int
    total: int
    unit: str
    text: str = ""
    remaining_s: float | None = None


WaitReason = Literal["time", "turn", "battery", "heat", "memory", "disk", "paused"]


class Waiting(Event, frozen=True, kw_only=True, tag="waiting"):
    """Nothing is computed now, and why; `until` is a Unix time where it is known.

    `needed_bytes` is the memory that has to be free, where this run waits for that much.
    `could_take_less` says that there is a slower way for it that takes less.
    """

    reason: WaitReason
    text: str
    until: float | None = None
    needed_bytes: int = 0
    could_take_less: bool = False


class WaitOver(Event, frozen=True, kw_only=True, tag="wait over"):
    """What was waited for has come; the work goes on."""


Ending = Literal["stopped", "out of memory", "gpu timeout", "crash", "killed", "disk full"]


class AttemptEnded(Event, frozen=True, kw_only=True, tag="attempt ended"):
    """The training process ended before its work was done; `text` says what is done about it."""

    ending: Ending
    step: int
    text: str


class EnergyUsed(Event, frozen=True, kw_only=True, tag="energy"):
    """The energy (Wh) that the run has used since it began, and how that was estimated."""

    watt_hours: float
    how: str


class Planned(Event, frozen=True, kw_only=True, tag="planned"):
    """What the training is going to do, and the memory (bytes) of which it may take `peak_bytes`.

    Both are 0 where they were not measured.
    """

    notes: int
    samples: int
    held_out: int
    steps: int
    peak_bytes: int = 0
    machine_bytes: int = 0


class StepDone(Event, frozen=True, kw_only=True, tag="step"):
    """One optimizer step: mean loss per target token (nats), speed, memory, remaining time.

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
    """The training went astray and goes on from `step` with its learning rate times `rate`."""

    step: int
    rate: float


class Evaluated(Event, frozen=True, kw_only=True, tag="evaluated"):
    """The held-out loss (nats per target token) after `step` steps; `best`: the lowest so far."""

    step: int
    loss: float
    best: bool = False


class CheckpointSaved(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """All that the rest of the run depends on is on disk."""

    step: int


class Spoke(Event, frozen=True, kw_only=True, tag="spoke"):
    """What the model answers to the run's prompt after `step` steps."""

    step: int
    prompt: str
    text: str


class Notice(Event, frozen=True, kw_only=True, tag="notice"):
    """A sentence for the person."""

    text: str


class Finished(Event, frozen=True, kw_only=True, tag="finished"):
    """The job reached its end; `result` has the fields of the command's `--json`."""

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
    | Notice
    | Finished
    | Stopped
    | Failed
)


# --- The worker: requests on its stdin, replies on its stdout ---------------------------------


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    text: str


WORDS_LOOKED_UP = 48
"""So many words, the last ones, of a question that is answered by quoting are looked at."""

LONGEST_QUESTION = 5_000_000
"""In characters: more than any model reads; what is longer is not sent to the worker."""

DECLINED = "The notes do not say."
"""What is answered from the notes where they hold no answer."""


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """Where an answer is from: a passage, characters [start, end) of its note."""

    note: int
    passage: int
    title: str
    path: str
    start: int
    end: int


class WeightedAdapter(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter and the weight that its change of the base model is multiplied by."""

    name: str
    weight: float = 1.0


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer is drawn. `seed` None draws a new one each time."""

    temperature: float = 0.2
    top_p: float = 0.95
    max_tokens: int = 256
    seed: int | None = None


class ChatRequest(Message, frozen=True, kw_only=True, tag="chat", tag_field="request"):
    """Answer the last turn, from the notes where it is `grounded`.

    Without adapters the base `model` answers.
    """

    id: str
    turns: tuple[Turn, ...]
    model: str = "starter"
    adapters: tuple[WeightedAdapter, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    grounded: bool = False


class CancelRequest(Message, frozen=True, kw_only=True, tag="cancel", tag_field="request"):
    """End the answer `id` early; what was said so far stands."""

    id: str


class LoadRequest(Message, frozen=True, kw_only=True, tag="load", tag_field="request"):
    """Load a model and adapters ahead of the first question."""

    id: str
    model: str = "starter"
    adapters: tuple[WeightedAdapter, ...] = ()


class ReleaseRequest(Message, frozen=True, kw_only=True, tag="release", tag_field="request"):
    """Give the model's memory back, for a run that needs it."""

    id: str


WorkerRequest = ChatRequest | CancelRequest | LoadRequest | ReleaseRequest


class WorkerReady(Message, frozen=True, kw_only=True, tag="ready", tag_field="reply"):
    """The process is up and listens; no model is loaded yet."""

    pid: int


class ModelLoading(Message, frozen=True, kw_only=True, tag="loading", tag_field="reply"):
    """A model is being loaded for request `id`."""

    id: str
    model: str


class ModelLoaded(Message, frozen=True, kw_only=True, tag="loaded", tag_field="reply"):
    """It is there; `bytes` is the memory it takes."""

    id: str
    model: str
    bytes: int


class ModelReleased(Message, frozen=True, kw_only=True, tag="released", tag_field="reply"):
    """The model's memory is given back."""

    id: str


class AnswerPart(Message, frozen=True, kw_only=True, tag="part", tag_field="reply"):
    """The next piece of an answer's text, as a model words it. What none words comes whole."""

    id: str
    text: str


class AnswerDone(Message, frozen=True, kw_only=True, tag="answer", tag_field="reply"):
    """The whole answer, why it ended, and how fast it was.

    `quote` are the words of a note that it consists of; "" where a model worded it. `from_notes`
    tells that no model did: it is a quote, or says that there is nothing to quote. `left_out` is
    how many questions with their answers, from the first on, did not fit into what the model reads.
    """

    id: str
    text: str
    ended: Literal["stop", "length", "cancelled"]
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    ttft_ms: float
    tokens_per_second: float
    citations: tuple[Citation, ...] = ()
    quote: str = ""
    from_notes: bool = False
    left_out: int = 0


class RequestFailed(Message, frozen=True, kw_only=True, tag="failed", tag_field="reply"):
    """Request `id` failed ("" where the line had none); the worker goes on."""

    id: str
    error: ErrorReport


WorkerReply = (
    WorkerReady
    | ModelLoading
    | ModelLoaded
    | ModelReleased
    | AnswerPart
    | AnswerDone
    | RequestFailed
)


_encoder = msgspec.json.Encoder()
_spec_decoder = msgspec.json.Decoder(JobSpec)
_event_decoder = msgspec.json.Decoder(JobEvent)
_request_decoder = msgspec.json.Decoder(WorkerRequest)
_reply_decoder = msgspec.json.Decoder(WorkerReply)


def encode_line(message: Message) -> bytes:
    """A message as one line with its newline."""
    return _encoder.encode(message) + b"\n"


def decode_spec(data: bytes) -> JobSpec:
    """Read a job's spec. Raises OvernightError when it cannot be read."""
    try:
        spec: JobSpec = _spec_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OvernightError(
            ErrorKind.RUN_UNKNOWN,
            "This job's description (spec.json) cannot be read.",
            "It was damaged or written by another version; start a new run.",
            str(error),
        ) from error
    return spec


def decode_event(line: bytes) -> JobEvent | None:
    """Read a job event; None (and a log entry) for a line that cannot be read."""
    return _decode(_event_decoder, line)


def decode_request(line: bytes) -> WorkerRequest | None:
    """Read a request to the worker; None (and a log entry) for a line that cannot be read."""
    return _decode(_request_decoder, line)


def decode_reply(line: bytes) -> WorkerReply | None:
    """Read a worker's reply; None (and a log entry) for a line that cannot be read."""
    return _decode(_reply_decoder, line)


def _decode(decoder: msgspec.json.Decoder[_M], line: bytes) -> _M | None:
    try:
        message = decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _log.warning("dropped a line of %d bytes: %s", len(line), error)
        return None
    if message.v != VERSION:
        _log.warning("dropped a line of protocol version %d", message.v)
        return None
    return message
