"""Answering with a loaded model: one streamed conversation, or many questions in batches."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import mlx.core as mx
from mlx_lm.generate import wired_limit
from mlx_lm.sample_utils import make_sampler

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import OpenBook
from mlx_backend.library.home import Library
from mlx_backend.library.models import BaseModel
from mlx_backend.models import many_answers
from mlx_backend.models.adapter_switch import Adapters, AdapterSwitch
from mlx_backend.models.answer import Answer, Asked, Draft
from mlx_backend.models.architecture import window_of
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.chat_form import SYSTEM_PROMPT
from mlx_backend.models.decoding import REST, Decoder
from mlx_backend.models.generated_answers import GeneratedAnswers
from mlx_backend.models.listener import NOBODY, Listener
from mlx_backend.models.lora import switched_off
from mlx_backend.models.prompt_cache import Owner, Pace, PromptCache, shared_length
from mlx_backend.models.prompt_caches import PromptCaches
from mlx_backend.models.prompt_lookup import PromptLookup
from mlx_backend.models.saved_prompts import SavedPrompts
from mlx_backend.models.typed_so_far import Certain
from mlx_backend.models.yes_or_no import first_words, next_logits
from mlx_backend.protocol import Sampling, Turn
from mlx_backend.protocol.context_window import Fitted, fit, least_answer, too_long

_LONGEST_CONTEXT = 32_768  # for models that do not say
_A_WORD = "Begin with a word at least."
_LONGEST_THOUGHT = 4096  # tokens beside those of the answer, as far as the context window has room


class _CancelledError(Exception):
    """The person has cancelled this answer."""


def _nothing_saved(_: Owner) -> None:
    """Where nothing is kept over restarts."""


class ChatModel:
    """A loaded base model with adapters that answers questions.

    library: where what was read of conversations is kept over restarts; None: nowhere.
    """

    def __init__(self, loaded: LoadedModel, library: Library | None = None) -> None:
        self._loaded = loaded
        self._generated = GeneratedAnswers()
        self._saved = SavedPrompts(library, loaded, self._generated) if library else None
        missing = self._saved.load if self._saved else _nothing_saved
        self._caches = PromptCaches(loaded.model, loaded.info.card.abilities, missing)
        self._switch = AdapterSwitch(loaded.model)
        self._owner = Owner()
        self._adapters: Adapters = ()
        self._pace = Pace()

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
        if not self._owner.adapters:
            yield self._loaded
            return
        owner, self._owner = self._owner, replace(self._owner, adapters="", adapter_ids=())
        adapters, self._adapters = self._adapters, ()
        try:
            with switched_off(self._loaded.model):
                yield self._loaded
        finally:
            self._owner, self._adapters = owner, adapters

    def use(
        self, adapters: Adapters, conversation: int | None = None, is_plain: bool = True
    ) -> None:
        """Answer with these adapters and weights from now on; without any, as the base model.

        conversation: the id of that in which questions are asked. is_plain: whether they are asked
        alone, without passages of notes. Raises OvernightError when an adapter is damaged or does
        not fit; then the model answers as before.
        """
        key = self._switch.use(adapters)
        self._adapters = [each for each in adapters if each[1]]
        ids = tuple(adapter.card.id for adapter, _ in self._adapters)
        self._owner = Owner(key, conversation, is_plain, ids)
        self._caches.expect(self._owner)

    def save(self) -> None:
        """Save what was read of conversations since the last time."""
        if self._saved:
            self._saved.save(self._caches.kept)

    def forget(self, conversation: int) -> None:
        """Drop what was read of a conversation that was deleted."""
        self._caches.forget(conversation)

    def answer(
        self,
        turns: Sequence[Turn],
        sampling: Sampling,
        listener: Listener = NOBODY,
        system: str = SYSTEM_PROMPT,
        begun: str = "",
    ) -> Answer:
        """Answer the last turn, while a listener hears each new piece of text.

        Reuses what was read before as far as the prompts agree. Leaves out the oldest part of a
        conversation that is longer than the context window. begun: the beginning of the answer,
        which the model goes on with; what is heard and returned is what comes after it. Raises
        OvernightError when the last question alone is too long.
        """
        began = time.perf_counter()
        asked = self._asked(turns, sampling.max_tokens, listener.lets_think, system, begun)
        return self._generate(asked, sampling, listener, began)

    def read_ahead(
        self,
        turns: Sequence[Turn],
        is_called: Callable[[], bool],
        thinks: bool = False,
        system: str = SYSTEM_PROMPT,
        max_tokens: int = Sampling().max_tokens,
    ) -> tuple[int, bool]:
        """Read what a question begins with, of which the last turn is what is typed so far.

        In small portions, between which `is_called` tells whether to leave off. Returns how many
        tokens of its prompt have been read, and whether that is all that could be. Raises
        OvernightError as `answer` does.
        """
        asked = self._asked(turns, max_tokens, thinks, system, "")
        kept = turns[2 * asked.fitted.left_out :]
        certain = Certain.of(kept, lambda turns: self._prompt(turns, thinks, system))
        prompt = certain.prompt
        cache = self._caches.take(prompt, self._owner)
        stops = _stops(is_called)
        try:
            cache.read_up_to(certain.typed, prompt, stops, self._pace)
            cache.read(prompt, certain.end, stops, self._pace)
        except _CancelledError:
            pass
        cache.said = max(cache.said, min(certain.typed, len(cache.ids)))
        self._caches.keep(cache)
        return len(cache.ids), len(cache.ids) >= certain.end

    def go_on(self, text: str, sampling: Sampling, listener: Listener = NOBODY) -> Answer:
        """As `answer`, but go on with a text, in no template. Raises one also where it is empty."""
        began = time.perf_counter()
        prompt = self._loaded.form.plain(text)
        if not prompt:
            raise OvernightError(ErrorKind.BAD_INPUT, "There is no text to go on with.", _A_WORD)
        room = min(sampling.max_tokens, self._limit - len(prompt))
        if room < least_answer(sampling.max_tokens):
            raise too_long(len(prompt), self._limit - least_answer(sampling.max_tokens))
        return self._generate(Asked(Fitted(prompt, room, 0), room), sampling, listener, began)

    def _asked(
        self, turns: Sequence[Turn], max_tokens: int, thinks: bool, system: str, begun: str
    ) -> Asked:
        form = self._loaded.form
        said = list(self._generated(begun) or form.text_ids(begun)) if begun else []
        after_thought = form.end_of_thought(thinks) if begun else []

        def prompt_of(turns: Sequence[Turn]) -> list[int]:
            return [*self._prompt(turns, thinks, system), *after_thought, *said]

        fitted = fit(turns, prompt_of, form.count, self._limit, max_tokens)
        further = (Turn(role="assistant", text=""), Turn(role="user", text=""))
        return Asked(
            fitted=fitted,
            room=self._room(fitted, thinks),
            following=lambda: prompt_of([*turns[2 * fitted.left_out :], *further]),
            marks=None if begun else form.thought_marks,
            in_thought=not begun and form.begins_in_thought(thinks),
            begun=(begun, len(said)),
        )

    def _prompt(self, turns: Sequence[Turn], thinks: bool, system: str) -> list[int]:
        return self._loaded.form.prompt(turns, thinks, system, self._generated)

    def _generate(
        self, asked: Asked, sampling: Sampling, listener: Listener, began: float
    ) -> Answer:
        """Answer a prompt; `began` is when it was asked (time.perf_counter)."""
        prompt = asked.fitted.prompt
        cache = self._caches.take(prompt, self._owner)  # dropped where anything fails
        cached = len(cache.ids)
        mx.random.seed(sampling.seed if sampling.seed is not None else time.time_ns() % 2**63)
        draft = Draft()
        try:
            self._read(cache, asked, listener)
        except _CancelledError:
            draft.ended = "cancelled"
        else:
            lookup = PromptLookup(prompt) if cache.can_be_cut else None
            sampler = make_sampler(sampling.temperature, sampling.top_p)
            decoder = Decoder(cache, sampler, sampling.temperature == 0, lookup)
            with wired_limit(self._loaded.model):
                tokens = decoder.tokens(prompt[len(cache.ids) :], asked.room)
                draft.write(tokens, asked, self._loaded.tokenizer, listener)
        cache.said = len(cache.ids)
        self._caches.keep(cache)
        answer = draft.finish(began, asked, cached)
        self._remember(asked, draft, answer)
        return answer

    def _read(self, cache: PromptCache, asked: Asked, listener: Listener) -> None:
        """Read all of a prompt but its end.

        Where the cache cannot be cut back, a copy is kept of what the next prompt begins with.
        """
        prompt = asked.fitted.prompt
        stops = _stops(listener.cancelled)
        if not cache.can_be_cut:
            cache.read_up_to(shared_length(prompt[:-1], asked.following()), prompt, stops)
        cache.read(prompt, len(prompt) - REST, stops)
        stops(len(cache.ids), len(prompt))

    def _remember(self, asked: Asked, draft: Draft, answer: Answer) -> None:
        """Remember of which ids an answer was made, for the prompts that hold it."""
        begun, count = asked.begun
        before = asked.fitted.prompt[len(asked.fitted.prompt) - count :] if count else []
        if not answer.thoughts:
            self._generated.add(begun + answer.text, before + draft.ids)

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
        with self.as_base():
            cache = self._caches.take(prompt, self._owner)
            stops = _stops(cancelled)
            try:
                cache.read_up_to(shared_length(prompt[:-1], form.prompt(following)), prompt, stops)
                logits = next_logits(prompt, cache, stops)
            except _CancelledError:
                return None
            finally:
                self._caches.keep(cache)
        return words.odds(logits)

    def fits(self, question: str, max_tokens: int) -> bool:
        """Whether a question alone leaves enough room for an answer of at most `max_tokens`."""
        tokens = len(self._loaded.form.prompt([Turn(role="user", text=question)]))
        return tokens + least_answer(max_tokens) <= self._limit

    def _room(self, fitted: Fitted, thinks: bool) -> int:
        """How many tokens may be generated: those of the answer, and of thoughts before it."""
        form = self._loaded.form
        if form.thought_marks is None or not (thinks or form.begins_in_thought(thinks)):
            return fitted.max_tokens
        return min(fitted.max_tokens + _LONGEST_THOUGHT, self._limit - len(fitted.prompt))

    @property
    def _limit(self) -> int:
        return window_of(self._loaded.model) or _LONGEST_CONTEXT

    def answer_all(
        self,
        prompts: Sequence[str],
        max_tokens: int,
        on_progress: Callable[[int, int], object] = many_answers.ignore,
        temperature: float = 0.0,
        on_answer: Callable[[int, str], object] = many_answers.ignore,
    ) -> list[str]:
        """Answer single questions in batches of similar length; answers keep the order.

        Greedy at temperature 0. `on_progress` gets the numbers of questions answered and in all,
        `on_answer` the index of each question with its answer as soon as that is known.
        A question that is too long for the model gets the answer "".
        """
        return many_answers.answer_all(
            self._loaded, self._limit, prompts, max_tokens, on_progress, temperature, on_answer
        )


def _stops(cancelled: Callable[[], bool]) -> Callable[[int, int], None]:
    """A callback between the parts of a prompt, which ends the answer once it is cancelled."""

    def on_prefill(done: int, total: int) -> None:
        if cancelled():
            raise _CancelledError

    return on_prefill
