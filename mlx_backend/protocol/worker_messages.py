"""What the worker is asked on its stdin, and what it replies on its stdout."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import field

from mlx_backend.protocol.message import ErrorReport, Message

WORDS_LOOKED_UP = 48
"""When an answer is quoted from the notes, only this many last words of the question are used."""

LONGEST_QUESTION = 5_000_000
"""In characters. A longer question is not sent to the worker; no model reads that much."""

DECLINED = "The notes do not say."
"""The answer where the notes hold none."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    text: str


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """The source of an answer: a passage, characters [start, end) of its note."""

    note: int
    passage: int
    title: str
    path: str
    start: int
    end: int


class WeightedAdapter(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter, and the weight by which its change of the base model is multiplied."""

    name: str
    weight: float = 1.0


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How the tokens of an answer are sampled. `seed` None: another seed each time."""

    temperature: float = 0.2
    top_p: float = 0.95
    max_tokens: int = 256
    seed: int | None = None


class ChatRequest(Message, frozen=True, kw_only=True, tag="chat", tag_field="request"):
    """Answer the last turn; with `grounded`, from the notes.

    Without adapters the base model `model` answers. thinks: let a model that can think aloud do so
    before it answers. system: what the model reads before all turns. begun: the beginning of the
    answer, which the model goes on with; not with `grounded`. conversation: its id in the library,
    under which what was read is kept over restarts; None: in memory alone.
    """

    id: str
    turns: tuple[Turn, ...]
    model: str = "starter"
    adapters: tuple[WeightedAdapter, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    grounded: bool = False
    thinks: bool = False
    system: str = ""
    begun: str = ""
    conversation: int | None = None


class PrefillRequest(Message, frozen=True, kw_only=True, tag="prefill", tag_field="request"):
    """Read ahead what a question will begin with; the last turn is what has been typed so far.

    The fields are those of the `ChatRequest` that would be sent now; max_tokens: of its answer.
    Loads the model where it is not loaded. Ends with `PrefillDone`: early when any other request
    comes, or when a run trains.
    """

    id: str
    turns: tuple[Turn, ...]
    model: str = "starter"
    adapters: tuple[WeightedAdapter, ...] = ()
    grounded: bool = False
    thinks: bool = False
    system: str = ""
    conversation: int | None = None
    max_tokens: int = 256


class CancelRequest(Message, frozen=True, kw_only=True, tag="cancel", tag_field="request"):
    """End the answer to request `id` early, or its reading ahead; the text so far is kept."""

    id: str


class LoadRequest(Message, frozen=True, kw_only=True, tag="load", tag_field="request"):
    """Load a model and adapters ahead of the first question."""

    id: str
    model: str = "starter"
    adapters: tuple[WeightedAdapter, ...] = ()


class ReleaseRequest(Message, frozen=True, kw_only=True, tag="release", tag_field="request"):
    """Free the model's memory, because a run needs it."""

    id: str


class ForgetRequest(Message, frozen=True, kw_only=True, tag="forget", tag_field="request"):
    """Drop what was read of a conversation, because it was deleted. There is no reply."""

    id: str
    conversation: int


WorkerRequest = (
    ChatRequest | PrefillRequest | CancelRequest | LoadRequest | ReleaseRequest | ForgetRequest
)


class WorkerReady(Message, frozen=True, kw_only=True, tag="ready", tag_field="reply"):
    """The process has started and listens; no model is loaded yet."""

    pid: int


class ModelLoading(Message, frozen=True, kw_only=True, tag="loading", tag_field="reply"):
    """A model is being loaded for request `id`."""

    id: str
    model: str


class ModelLoaded(Message, frozen=True, kw_only=True, tag="loaded", tag_field="reply"):
    """The model is loaded; `bytes` is the memory it takes."""

    id: str
    model: str
    bytes: int


class ModelReleased(Message, frozen=True, kw_only=True, tag="released", tag_field="reply"):
    """The model's memory is free again; the next question loads the model anew.

    reason: it was "asked" for, nobody had asked a question for long ("idle"), or a run waits for
    the memory ("run"). In the last two cases `id` is "".
    """

    id: str
    reason: Literal["asked", "idle", "run"] = "asked"


class PrefillDone(Message, frozen=True, kw_only=True, tag="prefilled", tag_field="reply"):
    """A prefill has ended: `tokens` of the prompt are read. "dropped": something else came first.

    It is never told what went wrong, because the question, when it is asked, fails in the same way.
    """

    id: str
    tokens: int
    ended: Literal["done", "dropped"]


class AnswerPart(Message, frozen=True, kw_only=True, tag="part", tag_field="reply"):
    """The next piece of an answer's text. A quoted answer comes in one piece."""

    id: str
    text: str


class ThoughtPart(Message, frozen=True, kw_only=True, tag="thought", tag_field="reply"):
    """The next piece of what the model thinks aloud before it answers."""

    id: str
    text: str


class AnswerDone(Message, frozen=True, kw_only=True, tag="answer", tag_field="reply"):
    """The whole answer, why it ended, and how fast it was.

    from_notes: no model worded the answer; it is a quote, or says that the notes hold none.
    quote: the words of the note that the answer quotes; "" where a model worded it.
    left_out: how many of the earliest questions, with their answers, did not fit into the model's
        context window.
    thoughts: what the model thought aloud before the answer; no part of the conversation.
    drafted_tokens: how many tokens of the answer were copied from what the model had read, and
        only checked by it.
    looked_up: passages that were found for the question and are not cited, best first.
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
    thoughts: str = ""
    drafted_tokens: int = 0
    looked_up: tuple[Citation, ...] = ()


class RequestFailed(Message, frozen=True, kw_only=True, tag="failed", tag_field="reply"):
    """Request `id` failed ("" where the line had no id); the worker goes on."""

    id: str
    error: ErrorReport


WorkerReply = (
    WorkerReady
    | ModelLoading
    | ModelLoaded
    | ModelReleased
    | PrefillDone
    | AnswerPart
    | ThoughtPart
    | AnswerDone
    | RequestFailed
)
