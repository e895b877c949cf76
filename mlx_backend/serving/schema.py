"""What clients send, in OpenAI's form. Whatever would change an answer and is not done is refused.

Source: https://platform.openai.com/docs/api-reference/chat/create and .../completions/create.
Fields that change no answer, such as `user`, are taken and left alone.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

_MOST_MESSAGES = 1000
_LONGEST_TEXT = 1_000_000  # characters

_Text = Annotated[str, Meta(max_length=_LONGEST_TEXT)]
_Stop = Annotated[str, Meta(min_length=1, max_length=500)]
_Tokens = Annotated[int, Meta(ge=1, le=10_000_000)]
_Off = Literal[False] | None
_None = Annotated[list[Any], Meta(max_length=0)] | None
_Zero = Annotated[float, Meta(ge=0, le=0)] | None


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a message; text is the only kind that a model reads here."""

    type: Literal["text"]
    text: _Text


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message of a conversation, also as an answer of ours comes back."""

    role: Literal["system", "developer", "user", "assistant"]
    content: _Text | list[Part]
    name: str | None = None
    refusal: None = None
    audio: None = None
    function_call: None = None
    tool_calls: _None = None
    annotations: _None = None
    citations: list[Any] | None = None
    left_out: int = 0

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a stream holds beside the answer."""

    include_usage: bool = False
    include_obfuscation: bool = False


class TextFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one form of answers that there is."""

    type: Literal["text"]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both kinds of requests have.

    Without a model, the one that the server was started for answers. What is not given is as in
    the settings.
    """

    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    max_tokens: _Tokens | None = None
    seed: int | None = None
    stop: _Stop | Annotated[list[_Stop], Meta(max_length=4)] | None = None
    n: Annotated[int, Meta(ge=1, le=1)] | None = None
    frequency_penalty: _Zero = None
    presence_penalty: _Zero = None
    logit_bias: Annotated[dict[str, float], Meta(max_length=0)] | None = None
    user: Any = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts at which the answer ends."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def includes_usage(self) -> bool:
        """Whether a stream ends with the counts of tokens."""
        return self.stream_options is not None and self.stream_options.include_usage


class ChatCompletion(Request, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A conversation whose last message is to be answered; `grounded`: from the notes."""

    messages: Annotated[list[Message], Meta(min_length=1, max_length=_MOST_MESSAGES)]
    max_completion_tokens: _Tokens | None = None
    grounded: bool = False
    logprobs: _Off = None
    top_logprobs: Annotated[int, Meta(ge=0, le=0)] | None = None
    tools: _None = None
    functions: _None = None
    tool_choice: Literal["none", "auto"] | None = None
    function_call: Literal["none", "auto"] | None = None
    response_format: TextFormat | None = None
    modalities: list[Literal["text"]] | None = None
    audio: None = None
    prediction: None = None
    web_search_options: None = None
    parallel_tool_calls: Any = None
    reasoning_effort: Any = None
    verbosity: Any = None
    store: Any = None
    metadata: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_key: Any = None
    prompt_cache_retention: Any = None


class Completion(Request, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text to go on with, in no chat template."""

    prompt: _Text | Annotated[list[_Text], Meta(min_length=1, max_length=1)]
    best_of: Annotated[int, Meta(ge=1, le=1)] | None = None
    echo: _Off = None
    logprobs: _Off = None
    suffix: Literal[""] | None = None

    @property
    def text(self) -> str:
        """The text to go on with."""
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]
