"""Answers in OpenAI's form, whole or as the chunks of a stream.

Source: https://platform.openai.com/docs/api-reference/chat/object and .../chat/streaming. Beside
the fields there, a message has `citations` where the answer is from the notes, and `left_out` where
the first exchanges of the conversation did not fit into the context window.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

import msgspec

from mlx_backend.serving.asks import Done, Piece
from mlx_backend.serving.schema import ChatCompletion, Completion

Json = dict[str, object]

END = "[DONE]"
"""The last event of a stream."""


@dataclass(frozen=True)
class Reply:
    """The answer to one request; `model` is the name that it asked for."""

    request: ChatCompletion | Completion
    model: str
    grounded: bool
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def _is_chat(self) -> bool:
        return isinstance(self.request, ChatCompletion)

    def whole(self, text: str, done: Done) -> Json:
        """The whole answer."""
        if self._is_chat:
            message = {"role": "assistant", "content": text, "refusal": None}
            content: Json = {"message": message | self._beside(done)}
        else:
            content = {"text": text}
        kind = "chat.completion" if self._is_chat else "text_completion"
        return self._object(kind, content, done.finish) | {"usage": _usage(done)}

    def begin(self) -> list[Json]:
        """The chunks before the first piece of text."""
        if not self._is_chat:
            return []
        return [self._chunk({"delta": {"role": "assistant", "content": ""}})]

    def piece(self, piece: Piece) -> Json:
        """The chunk of a piece of text."""
        text = piece.text
        return self._chunk({"delta": {"content": text}} if self._is_chat else {"text": text})

    def end(self, done: Done) -> list[Json]:
        """The chunks after the last piece of text."""
        content: Json = {"delta": self._beside(done)} if self._is_chat else {"text": ""}
        chunks = [self._chunk(content, done.finish)]
        if self.request.includes_usage:
            usage = self._chunk(content) | {"choices": [], "usage": _usage(done)}
            chunks.append(usage)
        return chunks

    def _chunk(self, content: Json, finish: str | None = None) -> Json:
        kind = "chat.completion.chunk" if self._is_chat else "text_completion"
        usage: Json = {"usage": None} if self.request.includes_usage else {}
        return self._object(kind, content, finish) | usage

    def _object(self, kind: str, content: Json, finish: str | None) -> Json:
        choice = {"index": 0, **content, "logprobs": None, "finish_reason": finish}
        return {
            "id": f"{'chatcmpl' if self._is_chat else 'cmpl'}-{self.id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": [choice],
        }

    def _beside(self, done: Done) -> Json:
        """What a message has beside its text."""
        beside: Json = {"left_out": done.left_out} if done.left_out else {}
        if self.grounded:
            beside["citations"] = [
                {"note": each.title, "passage": each.passage, "path": each.path}
                for each in done.citations
            ]
        return beside


def encoded(value: Json) -> str:
    """A chunk as the JSON of one event."""
    return msgspec.json.encode(value).decode()


def _usage(done: Done) -> Json:
    return {
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.generated_tokens,
        "total_tokens": done.prompt_tokens + done.generated_tokens,
        "prompt_tokens_details": {"cached_tokens": done.cached_tokens},
    }
