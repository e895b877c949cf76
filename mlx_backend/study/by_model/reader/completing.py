"""Having a model go on after many prompts in batches, whose beginnings it reads only once.

Prompts of one kind begin with the same examples, and several of them with the same passage. What
the model keeps of a beginning is copied for each prompt and never cut back, so that every kind of
cache will do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
from mlx_lm.generate import BatchGenerator
from mlx_lm.models.cache import make_prompt_cache

from mlx_backend.machine.arrays import flatten
from mlx_backend.machine.cores import CoreShare
from mlx_backend.machine.dependency_patches import wired_limit_untouched
from mlx_backend.models.architecture import window_of
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.batching import NOT_IN_BATCHES, batches, complete_alone
from mlx_backend.models.prompt_cache import copied, is_of_keys_and_values, shared_length
from mlx_backend.models.thoughts import answer_in
from mlx_backend.protocol import Turn

_MOST_ROWS = 32
_MOST_BYTES = 1 << 30  # of what the model keeps of the prompts of a batch
_BYTES_A_TOKEN = 1 << 17  # until it is known; that of a model with 4 billion parameters
_KINDS_KEPT = 6  # of two languages with and without given words, and the reading of answers
_STEP = 512  # tokens of a beginning that are computed at once
_LEAST_SHARED = 16  # tokens for which it is worth to compute a beginning by itself


@dataclass(frozen=True)
class Conversation:
    """Turns that the model answers; its answer begins with `begun`."""

    turns: Sequence[Turn]
    begun: str = ""


@dataclass(frozen=True)
class _Read:
    """A beginning of prompts, and what the model keeps of it."""

    ids: Sequence[int]
    cache: Sequence[Any]


@dataclass(frozen=True)
class _Row:
    """A prompt: what the model has read of it, the rest, and the place of its text."""

    read: _Read
    rest: Sequence[int]
    place: tuple[int, int]

    @property
    def length(self) -> int:
        return len(self.read.ids) + len(self.rest)


class Completer:
    """Completes conversations greedily; the model must have no adapter on it."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._beginnings: OrderedDict[str, _Read] = OrderedDict()
        self._cores = CoreShare()
        self._is_plain = is_of_keys_and_values(make_prompt_cache(loaded.model))

    def complete(
        self,
        kind: str,
        families: Sequence[Sequence[Conversation]],
        most: int,
        is_over: Callable[[], bool],
    ) -> list[list[str]] | None:
        """What the model goes on with in each conversation, with at most `most` tokens.

        kind: conversations of the same kind begin with the same turns. families: those of one
        family begin with the same passage, too. A conversation that is too long for the model gets
        "". Returns None when `is_over` between two batches.
        """
        texts = [[""] * len(family) for family in families]
        form = self._loaded.form
        in_thought = form.begins_in_thought(thinks=False)
        for chosen in self._batches(kind, families, most):
            if is_over():
                return None
            self._cores.adapt()
            for row, written in zip(chosen, self._written(chosen, most), strict=True):
                family, number = row.place
                text = self._loaded.tokenizer.decode(written)
                texts[family][number] = answer_in(text, form.thought_marks, in_thought).strip()
        return texts

    def _batches(
        self, kind: str, families: Sequence[Sequence[Conversation]], most: int
    ) -> Iterator[list[_Row]]:
        prompts = {
            (f, i): ids
            for f, family in enumerate(families)
            for i, conversation in enumerate(family)
            if self._fits(ids := self._encoded(conversation), most)
        }
        if not prompts:
            return
        beginning = self._beginning(kind, list(prompts.values()))
        if self._is_plain:
            yield from self._in_families(beginning, prompts, most)
            return
        start = len(beginning.ids)
        rows = [_Row(beginning, ids[start:], place) for place, ids in prompts.items()]
        for chosen in batches(self._loaded.model, [row.rest for row in rows], _MOST_ROWS):
            yield [rows[i] for i in chosen]

    def _encoded(self, conversation: Conversation) -> list[int]:
        ids = self._loaded.form.prompt(conversation.turns)
        tokenizer = self._loaded.tokenizer
        return [*ids, *tokenizer.encode(conversation.begun, add_special_tokens=False)]

    def _fits(self, ids: Sequence[int], most: int) -> bool:
        window = window_of(self._loaded.model)
        return window is None or len(ids) + most <= window

    def _beginning(self, kind: str, prompts: Sequence[Sequence[int]]) -> _Read:
        """What all prompts of a kind begin with, as far as is known by now."""
        known = self._beginnings.pop(kind, None)
        shared = _shared([known.ids, *prompts] if known else prompts)
        if known is None or len(known.ids) > shared:
            known = self._read(prompts[0][: min(shared, min(map(len, prompts)) - 1)])
        self._beginnings[kind] = known
        if len(self._beginnings) > _KINDS_KEPT:
            self._beginnings.popitem(last=False)
        return known

    def _in_families(
        self, beginning: _Read, prompts: dict[tuple[int, int], list[int]], most: int
    ) -> Iterator[list[_Row]]:
        """The prompts in batches; those of a family share their passage, too."""
        batch: list[_Row] = []
        longest = 0
        for family in dict.fromkeys(family for family, _ in prompts):
            own = {place: ids for place, ids in prompts.items() if place[0] == family}
            read = self._read_of_family(beginning, list(own.values()))
            for place, ids in own.items():
                longest = max(longest, len(ids))
                if batch and len(batch) >= self._rows_at_once(longest + most):
                    yield batch
                    batch, longest = [], len(ids)
                batch.append(_Row(read, ids[len(read.ids) :], place))
        yield batch

    def _read_of_family(self, beginning: _Read, prompts: Sequence[Sequence[int]]) -> _Read:
        shared = min(_shared(prompts), min(map(len, prompts)) - 1)
        if len(prompts) == 1 or shared < len(beginning.ids) + _LEAST_SHARED:
            return beginning
        return self._read(prompts[0][:shared], beginning)

    def _read(self, ids: Sequence[int], after: _Read | None = None) -> _Read:
        """Read a beginning, of which `after` was read before."""
        model = self._loaded.model
        cache = copied(after.cache) if after else make_prompt_cache(model)
        for start in range(len(after.ids) if after else 0, len(ids), _STEP):
            model(mx.array([list(ids[start : start + _STEP])]), cache=cache)
            mx.eval([layer.state for layer in cache])
        return _Read(ids, cache)

    def _rows_at_once(self, tokens: int) -> int:
        """How many rows of so many tokens fit into memory, at least 1."""
        sizes = [
            _bytes_of(read.cache) / len(read.ids)
            for read in self._beginnings.values()
            if len(read.ids) > _LEAST_SHARED
        ]
        size = max(sizes, default=_BYTES_A_TOKEN)
        return max(1, min(_MOST_ROWS, int(_MOST_BYTES / max(1.0, size * tokens))))

    def _written(self, rows: Sequence[_Row], most: int) -> list[list[int]]:
        """What the model writes after prompts in one batch, or one by one without batches."""
        model = self._loaded.model
        # Whatever is special ends the turn: a reply is plain text.
        ends = sorted({*self._loaded.tokenizer.eos_token_ids, *self._special})
        with wired_limit_untouched():
            try:
                generator = BatchGenerator(
                    model,
                    stop_tokens=[[token] for token in ends],
                    completion_batch_size=len(rows),
                    prefill_batch_size=len(rows),
                )
                return _generated(generator, rows, most)
            except NOT_IN_BATCHES:
                return [complete_alone(model, r.rest, ends, most, r.read.cache) for r in rows]

    @property
    def _special(self) -> list[int]:
        """The control tokens, but for those between which the model thinks."""
        tokenizer = self._loaded.tokenizer
        marks = self._loaded.form.thought_marks
        thinking = {marks.begin, marks.end} if marks else set()
        tokens: list[str] = tokenizer.all_special_tokens
        return [tokenizer.convert_tokens_to_ids(each) for each in tokens if each not in thinking]


def _generated(generator: BatchGenerator, rows: Sequence[_Row], most: int) -> list[list[int]]:
    """The tokens generated after each prompt, without the one that ends it."""
    numbers = generator.insert(
        [list(row.rest) for row in rows],
        [most] * len(rows),
        caches=[list(row.read.cache) for row in rows],
    )
    written: dict[int, list[int]] = {number: [] for number in numbers}
    while responses := generator.next_generated():
        for response in responses:
            if response.finish_reason != "stop":
                written[response.uid].append(response.token)
    generator.close()
    return [written[number] for number in numbers]


def _bytes_of(cache: Sequence[Any]) -> int:
    """The memory that caches take; some also hold numbers."""
    kept: Mapping[str, object] = flatten({str(i): each.state for i, each in enumerate(cache)})
    return sum(each.nbytes for each in kept.values() if isinstance(each, mx.array))


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """The length of what all prompts begin with."""
    first = prompts[0]
    return min((shared_length(first, other) for other in prompts[1:]), default=len(first))
