"""Answering with a loaded model: one streamed conversation, or many questions in batches."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import mlx.core as mx
import msgspec
from mlx_lm.generate import GenerationResponse, batch_generate, stream_generate
from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache
from mlx_lm.sample_utils import make_sampler

from mlx_backend.library.adapters import Adapter
from mlx_backend.library.models import BaseModel
from mlx_backend.machine.cores import CoreShare
from mlx_backend.machine.dependency_patches import wired_limit_untouched
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import apply_adapters
from mlx_backend.protocol import Sampling, Turn
from mlx_backend.protocol.context_window import Fitted, fit, least_answer

Ended = Literal["stop", "length", "cancelled"]

_BATCH = 32
# Tokens of a prompt that are computed at once; between them an answer can be cancelled.
_PREFILL_STEP = 512
_LONGEST_CONTEXT = 32_768  # for models that do not say


@dataclass(frozen=True)
class Answer:
    """An answer, with counts in tokens.

    ended: why it ended; cached_tokens: the part of the prompt that was in the cache; ttft_ms:
    milliseconds until the first token; tokens_per_second: of the generated tokens after the first;
    left_out: how many of the first exchanges did not fit into the context window.
    """

    text: str
    ended: Ended
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    ttft_ms: float
    tokens_per_second: float
    left_out: int = 0


def _ignore(*_: object) -> None:
    """The callback where nobody listens."""


class _CancelledError(Exception):
    """The person has cancelled this answer."""


@dataclass
class _Draft:
    """An answer while it is generated."""

    pieces: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    first_at: float | None = None
    ended: Ended = "length"

    def add(self, response: GenerationResponse) -> None:
        """Append the next token."""
        self.first_at = self.first_at or time.perf_counter()
        self.ids.append(response.token)
        self.pieces.append(response.text)
        if response.finish_reason == "stop":
            self.ended = "stop"

    def finish(self, began: float, fitted: Fitted, cached_tokens: int) -> Answer:
        """The answer as it is now; `began` is when it was asked (time.perf_counter)."""
        now = time.perf_counter()
        first_at = self.first_at or now
        return Answer(
            text="".join(self.pieces).strip(),
            ended=self.ended,
            prompt_tokens=len(fitted.prompt),
            cached_tokens=cached_tokens,
            generated_tokens=len(self.ids),
            ttft_ms=(first_at - began) * 1000,
            tokens_per_second=(len(self.ids) - 1) / (now - first_at) if len(self.ids) > 1 else 0.0,
            left_out=fitted.left_out,
        )


@dataclass
class _Cache:
    """A key-value cache and the token ids that it holds."""

    layers: list[Any]
    ids: list[int] = field(default_factory=list)


class ChatModel:
    """A loaded base model with adapters that answers questions."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._cache: _Cache | None = None
        self._adapters: Sequence[tuple[Adapter, float]] = ()

    @property
    def info(self) -> BaseModel:
        """The base model's name, card and folder."""
        return self._loaded.info

    @contextlib.contextmanager
    def as_base(self) -> Iterator[LoadedModel]:
        """The base model without adapters, within a block."""
        if self._adapters:
            apply_adapters(self._loaded.model, ())
        try:
            yield self._loaded
        finally:
            if self._adapters:
                apply_adapters(self._loaded.model, self._adapters)

    def use(self, adapters: Sequence[tuple[Adapter, float]]) -> None:
        """Answer with these adapters and weights from now on; without any, as the base model."""
        apply_adapters(self._loaded.model, adapters)
        self._adapters = tuple(adapters)
        self._cache = None

    def answer(
        self,
        turns: Sequence[Turn],
        sampling: Sampling,
        on_text: Callable[[str], object] = _ignore,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """Answer the last turn, calling `on_text` with each new piece of text.

        Reuses the prompt cache of the previous answer as far as the prompts agree. Leaves out the
        oldest part of a conversation that is longer than the context window. `cancelled` is asked
        after each token and each part of the prompt. Raises OvernightError when the last question
        alone is too long.
        """
        began = time.perf_counter()
        form = self._loaded.form
        fitted = fit(turns, form.prompt, form.count, self._limit, sampling.max_tokens)
        prompt = fitted.prompt
        sampling = msgspec.structs.replace(sampling, max_tokens=fitted.max_tokens)
        cache, cached = self._cache_for(prompt)
        mx.random.seed(sampling.seed if sampling.seed is not None else time.time_ns() % 2**63)
        draft = _Draft()
        try:
            for response in self._stream(prompt[cached:], sampling, cache, cancelled):
                draft.add(response)
                if response.text:
                    on_text(response.text)
                if response.finish_reason is None and cancelled():
                    raise _CancelledError
        except _CancelledError:
            draft.ended = "cancelled"
        self._remember(cache, prompt + draft.ids)
        return draft.finish(began, fitted, cached_tokens=cached)

    def fits(self, question: str, max_tokens: int) -> bool:
        """Whether a question alone leaves enough room for an answer of at most `max_tokens`."""
        tokens = len(self._loaded.form.prompt([Turn(role="user", text=question)]))
        return tokens + least_answer(max_tokens) <= self._limit

    def _stream(
        self, prompt: list[int], sampling: Sampling, cache: _Cache, cancelled: Callable[[], bool]
    ) -> Iterator[GenerationResponse]:
        def on_prefill(done: int, total: int) -> None:
            if cancelled():
                raise _CancelledError

        responses: Iterator[GenerationResponse] = stream_generate(
            self._loaded.model,
            self._loaded.tokenizer,
            prompt,
            max_tokens=sampling.max_tokens,
            sampler=make_sampler(sampling.temperature, sampling.top_p),
            prompt_cache=cache.layers,
            prefill_step_size=_PREFILL_STEP,
            prompt_progress_callback=on_prefill,
        )
        return responses

    @property
    def _limit(self) -> int:
        """The context window: the most tokens of prompt and answer together."""
        arguments = getattr(self._loaded.model, "args", None)
        return getattr(arguments, "max_position_embeddings", None) or _LONGEST_CONTEXT

    def answer_all(
        self,
        prompts: Sequence[str],
        max_tokens: int,
        on_progress: Callable[[int, int], object] = _ignore,
        temperature: float = 0.0,
    ) -> list[str]:
        """Answer single questions in batches of similar length; answers keep the order.

        Greedy at temperature 0. `on_progress` gets the numbers of questions answered and in all.
        A question that is too long for the model gets the answer "".
        """
        tokenizer = self._loaded.tokenizer
        form = self._loaded.form
        ids = [form.prompt([Turn(role="user", text=prompt)]) for prompt in prompts]
        readable = (i for i in range(len(ids)) if len(ids[i]) + max_tokens <= self._limit)
        by_length = sorted(readable, key=lambda i: len(ids[i]))
        texts = [""] * len(ids)
        cores = CoreShare()
        for start in range(0, len(by_length), _BATCH):
            cores.adapt()
            chosen = by_length[start : start + _BATCH]
            with wired_limit_untouched():
                response = batch_generate(
                    self._loaded.model,
                    tokenizer,
                    [ids[i] for i in chosen],
                    max_tokens=max_tokens,
                    sampler=make_sampler(temperature),
                )
            for i, text in zip(chosen, response.texts, strict=True):
                texts[i] = text.strip()
            on_progress(min(start + _BATCH, len(by_length)), len(by_length))
        return texts

    def _cache_for(self, prompt: list[int]) -> tuple[_Cache, int]:
        """A cache that holds the longest known beginning of the prompt, and its length (tokens)."""
        cache = self._cache
        self._cache = None  # an interrupted answer must not leave a cache that does not fit its ids
        if cache is not None and can_trim_prompt_cache(cache.layers):
            shared = _shared_length(cache.ids, prompt[:-1])
            if shared > 0:
                trim_prompt_cache(cache.layers, len(cache.ids) - shared)
                return _Cache(cache.layers, cache.ids[:shared]), shared
        return _Cache(make_prompt_cache(self._loaded.model)), 0

    def _remember(self, cache: _Cache, ids: list[int]) -> None:
        # The model may not have computed the last sampled tokens yet.
        cache.ids = ids[: cache.layers[0].offset]
        self._cache = cache


def _shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the longest common beginning."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
