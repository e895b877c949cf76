"""Answering with a loaded model: one streamed conversation, or many questions in batches."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import mlx.core as mx
import msgspec
from mlx_lm.generate import GenerationResponse, batch_generate, stream_generate
from mlx_lm.sample_utils import make_sampler

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import Adapter, OpenBook
from mlx_backend.library.models import BaseModel
from mlx_backend.machine.cores import CoreShare
from mlx_backend.machine.dependency_patches import wired_limit_untouched
from mlx_backend.models.architecture import window_of
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.batching import NOT_IN_BATCHES, batches, complete_alone
from mlx_backend.models.chat_form import SYSTEM_PROMPT
from mlx_backend.models.listener import NOBODY, Listener
from mlx_backend.models.lora import apply_adapters
from mlx_backend.models.prompt_cache import PromptCache, shared_length
from mlx_backend.models.thoughts import ThoughtMarks, ThoughtSplitter, answer_in
from mlx_backend.models.yes_or_no import first_words, next_logits
from mlx_backend.protocol import Sampling, Turn
from mlx_backend.protocol.context_window import Fitted, fit, least_answer, too_long

Ended = Literal["stop", "length", "cancelled"]

_BATCH = 32
# Tokens of a prompt that are computed at once; between them an answer can be cancelled.
_PREFILL_STEP = 512
_LONGEST_CONTEXT = 32_768  # for models that do not say
_A_WORD = "Begin with a word at least."
_LONGEST_THOUGHT = 4096  # tokens beside those of the answer, as far as the context window has room


@dataclass(frozen=True)
class Answer:
    """An answer, with counts in tokens.

    ended: why it ended; cached_tokens: the part of the prompt that was in the cache; ttft_ms:
    milliseconds until the first token; tokens_per_second: of the generated tokens after the first;
    left_out: how many of the first exchanges did not fit into the context window; thoughts: what
    the model thought aloud before the answer.
    """

    text: str
    ended: Ended
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    ttft_ms: float
    tokens_per_second: float
    left_out: int = 0
    thoughts: str = ""


def _ignore(*_: object) -> None:
    """The callback where nobody listens."""


class _CancelledError(Exception):
    """The person has cancelled this answer."""


@dataclass(frozen=True)
class _Asked:
    """A prompt, and how what is generated after it is read.

    room: how many tokens may be generated, thoughts included. following: gives a prompt of the next
    question. marks, in_thought: as `ThoughtSplitter` takes them.
    """

    fitted: Fitted
    room: int
    following: Callable[[], Sequence[int]] = tuple
    marks: ThoughtMarks | None = None
    in_thought: bool = False


@dataclass
class _Draft:
    """An answer while it is generated."""

    pieces: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    first_at: float | None = None
    ended: Ended = "length"

    def add(self, response: GenerationResponse) -> None:
        """Append the next token."""
        self.first_at = self.first_at or time.perf_counter()
        self.ids.append(response.token)
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
            thoughts="".join(self.thoughts).strip(),
        )


class ChatModel:
    """A loaded base model with adapters that answers questions."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._cache: PromptCache | None = None
        self._adapters: Sequence[tuple[Adapter, float]] = ()

    @property
    def info(self) -> BaseModel:
        """The base model's name, card and folder."""
        return self._loaded.info

    @property
    def can_think(self) -> bool:
        """Whether the model can think aloud before it answers."""
        return self._loaded.form.can_think

    @property
    def open_book(self) -> OpenBook:
        """How questions are answered from passages with the adapter that has the most weight."""
        heaviest = max(self._adapters, key=lambda each: abs(each[1]), default=None)
        found = heaviest[0].card.open_book if heaviest else None
        return found or OpenBook()

    @contextlib.contextmanager
    def as_base(self) -> Iterator[LoadedModel]:
        """The base model without adapters, within a block."""
        if not self._adapters:
            yield self._loaded
            return
        adapters, self._adapters = self._adapters, ()
        cache, self._cache = self._cache, None  # what is computed with adapters is theirs
        apply_adapters(self._loaded.model, ())
        try:
            yield self._loaded
        finally:
            apply_adapters(self._loaded.model, adapters)
            self._adapters, self._cache = adapters, cache

    def use(self, adapters: Sequence[tuple[Adapter, float]]) -> None:
        """Answer with these adapters and weights from now on; without any, as the base model."""
        apply_adapters(self._loaded.model, adapters)
        self._adapters = tuple(adapters)
        self._cache = None

    def answer(
        self,
        turns: Sequence[Turn],
        sampling: Sampling,
        listener: Listener = NOBODY,
        system: str = SYSTEM_PROMPT,
    ) -> Answer:
        """Answer the last turn, while a listener hears each new piece of text.

        Reuses the prompt cache of the previous answer as far as the prompts agree. Leaves out the
        oldest part of a conversation that is longer than the context window. Raises OvernightError
        when the last question alone is too long.
        """
        began = time.perf_counter()
        form = self._loaded.form
        thinks = listener.lets_think
        prompt_of = functools.partial(form.prompt, thinks=thinks, system=system)
        fitted = fit(turns, prompt_of, form.count, self._limit, sampling.max_tokens)
        further = (Turn(role="assistant", text=""), Turn(role="user", text=""))
        asked = _Asked(
            fitted=fitted,
            room=self._room(fitted, thinks),
            following=lambda: prompt_of([*turns[2 * fitted.left_out :], *further]),
            marks=form.thought_marks,
            in_thought=form.begins_in_thought(thinks),
        )
        return self._generate(asked, sampling, listener, began)

    def go_on(self, text: str, sampling: Sampling, listener: Listener = NOBODY) -> Answer:
        """As `answer`, but go on with a text, in no template. Raises one also where it is empty."""
        began = time.perf_counter()
        prompt = self._loaded.form.plain(text)
        if not prompt:
            raise OvernightError(ErrorKind.BAD_INPUT, "There is no text to go on with.", _A_WORD)
        room = min(sampling.max_tokens, self._limit - len(prompt))
        if room < least_answer(sampling.max_tokens):
            raise too_long(len(prompt), self._limit - least_answer(sampling.max_tokens))
        return self._generate(_Asked(Fitted(prompt, room, 0), room), sampling, listener, began)

    def _generate(
        self, asked: _Asked, sampling: Sampling, listener: Listener, began: float
    ) -> Answer:
        """Answer a prompt; `began` is when it was asked (time.perf_counter)."""
        prompt = asked.fitted.prompt
        cache = self._cache or PromptCache.of(self._loaded.model, self.info.card.abilities)
        self._cache = None  # an interrupted answer must not leave a cache that does not fit its ids
        cached = cache.begin(prompt)
        mx.random.seed(sampling.seed if sampling.seed is not None else time.time_ns() % 2**63)
        draft = _Draft()
        room = msgspec.structs.replace(sampling, max_tokens=asked.room)
        try:
            done = self._read_ahead(cache, asked, listener)
            responses = self._stream(prompt[done:], room, cache, listener.cancelled)
            self._write(draft, responses, asked, listener)
        except _CancelledError:
            draft.ended = "cancelled"
        cache.remember(prompt + draft.ids)
        self._cache = cache
        return draft.finish(began, asked.fitted, cached_tokens=cached)

    @property
    def window(self) -> int:
        """The context window: the most tokens of prompt and answer together."""
        return self._limit

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text."""
        return self._loaded.form.count(texts)

    def odds_of_yes(
        self,
        turns: Sequence[Turn],
        following: Sequence[Turn],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> float | None:
        """The log-odds (nats) that the base model answers the last turn with "yes" and not "no".

        What both conversations begin with is kept for `following`, which is answered next, unless
        an adapter answers. None if the model begins with a thought, if there is no room, or when
        it was cancelled.
        """
        form = self._loaded.form
        prompt = form.prompt(turns)
        words = first_words(self._loaded.tokenizer)
        if words is None or len(prompt) >= self._limit or form.begins_in_thought(thinks=False):
            return None
        with self.as_base() as base:
            cache = self._cache or PromptCache.of(base.model, self.info.card.abilities)
            self._cache = None
            try:
                cache.begin(prompt)
                shared = shared_length(prompt[:-1], form.prompt(following))
                cache.read_up_to(shared, prompt, _stops(cancelled))
                logits = next_logits(base.model, prompt, cache, _stops(cancelled))
            except _CancelledError:
                return None
            finally:
                cache.remember(prompt)
                self._cache = cache
        return words.odds(logits)

    def fits(self, question: str, max_tokens: int) -> bool:
        """Whether a question alone leaves enough room for an answer of at most `max_tokens`."""
        tokens = len(self._loaded.form.prompt([Turn(role="user", text=question)]))
        return tokens + least_answer(max_tokens) <= self._limit

    def _read_ahead(self, cache: PromptCache, asked: _Asked, listener: Listener) -> int:
        """Read what the next question's prompt will begin with, so that its cache can be kept.

        Returns how many tokens of the prompt have been read.
        """
        prompt = asked.fitted.prompt
        if cache.can_be_cut:
            return len(cache.ids)
        end = shared_length(prompt[:-1], asked.following())
        return cache.read_up_to(end, prompt, _stops(listener.cancelled))

    def _room(self, fitted: Fitted, thinks: bool) -> int:
        """How many tokens may be generated: those of the answer, and of thoughts before it."""
        form = self._loaded.form
        if form.thought_marks is None or not (thinks or form.begins_in_thought(thinks)):
            return fitted.max_tokens
        return min(fitted.max_tokens + _LONGEST_THOUGHT, self._limit - len(fitted.prompt))

    def _write(
        self,
        draft: _Draft,
        responses: Iterator[GenerationResponse],
        asked: _Asked,
        listener: Listener,
    ) -> None:
        """Write a draft from what is generated, with at most `max_tokens` after its thoughts."""

        def think(text: str) -> None:
            draft.thoughts.append(text)
            listener.think(text)

        def speak(text: str) -> None:
            draft.pieces.append(text)
            listener.on_text(text)

        splitter = ThoughtSplitter(asked.marks, asked.in_thought, think, speak)
        spoken = 0
        try:
            for response in responses:
                spoken += splitter.is_in_answer
                draft.add(response)
                splitter.take(response.text)
                if spoken == asked.fitted.max_tokens or response.finish_reason is not None:
                    break
                if listener.cancelled():
                    raise _CancelledError
        finally:
            splitter.end()

    def _stream(
        self,
        prompt: list[int],
        sampling: Sampling,
        cache: PromptCache,
        cancelled: Callable[[], bool],
    ) -> Iterator[GenerationResponse]:
        responses: Iterator[GenerationResponse] = stream_generate(
            self._loaded.model,
            self._loaded.tokenizer,
            prompt,
            max_tokens=sampling.max_tokens,
            sampler=make_sampler(sampling.temperature, sampling.top_p),
            prompt_cache=cache.layers,
            prefill_step_size=_PREFILL_STEP,
            prompt_progress_callback=_stops(cancelled),
        )
        return responses

    @property
    def _limit(self) -> int:
        return window_of(self._loaded.model) or _LONGEST_CONTEXT

    def answer_all(
        self,
        prompts: Sequence[str],
        max_tokens: int,
        on_progress: Callable[[int, int], object] = _ignore,
        temperature: float = 0.0,
        on_answer: Callable[[int, str], object] = _ignore,
    ) -> list[str]:
        """Answer single questions in batches of similar length; answers keep the order.

        Greedy at temperature 0. `on_progress` gets the numbers of questions answered and in all,
        `on_answer` the index of each question with its answer as soon as that is known.
        A question that is too long for the model gets the answer "".
        """
        form = self._loaded.form
        ids = [form.prompt([Turn(role="user", text=prompt)]) for prompt in prompts]
        readable = (i for i in range(len(ids)) if len(ids[i]) + max_tokens <= self._limit)
        by_length = sorted(readable, key=lambda i: len(ids[i]))
        texts = [""] * len(ids)
        in_thought = form.begins_in_thought(thinks=False)
        cores = CoreShare()
        done = 0
        for chosen in batches(self._loaded.model, ids, _BATCH, by_length):
            cores.adapt()
            together = self._answered([ids[i] for i in chosen], max_tokens, temperature)
            for i, text in zip(chosen, together, strict=True):
                texts[i] = answer_in(text, form.thought_marks, in_thought).strip()
                on_answer(i, texts[i])
            done += len(chosen)
            on_progress(done, len(by_length))
        return texts

    def _answered(
        self, prompts: list[list[int]], max_tokens: int, temperature: float
    ) -> Sequence[str]:
        """The answers to prompts in one batch, or one by one where the model takes no batches."""
        model, tokenizer = self._loaded.model, self._loaded.tokenizer
        sampler = make_sampler(temperature)
        with wired_limit_untouched():
            try:
                found: list[str] = batch_generate(
                    model, tokenizer, prompts, max_tokens=max_tokens, sampler=sampler
                ).texts
                return found
            except NOT_IN_BATCHES:
                ends = list(tokenizer.eos_token_ids)
                return [
                    tokenizer.decode(
                        complete_alone(model, prompt, ends, max_tokens, sampler=sampler)
                    )
                    for prompt in prompts
                ]


def _stops(cancelled: Callable[[], bool]) -> Callable[[int, int], None]:
    """A callback between the parts of a prompt, which ends the answer once it is cancelled."""

    def on_prefill(done: int, total: int) -> None:
        if cancelled():
            raise _CancelledError

    return on_prefill
