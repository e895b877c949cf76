"""What a model remembers of a prompt, kept for the next one: cut back, or taken from a snapshot.

Keys and values of plain attention can be cut back to any length. What a recurrent layer or a
window of attention keeps cannot: of these, copies are made at places to which conversations
return, the ends of their questions.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.cache import (
    CacheList,
    KVCache,
    QuantizedKVCache,
    make_prompt_cache,
    trim_prompt_cache,
)

from mlx_backend.library.abilities import Abilities
from mlx_backend.models.small_caches import made_small

STEP = 512
"""Tokens of a prompt that are computed at once; between them the work can be ended."""

_SNAPSHOTS = 4
"""Copies kept of a conversation: at its last questions, for another try, and before them."""

_LEAST_STEP = 8
_QUICK_S, _SLOW_S = 0.05, 0.12

Layers = list[Any]
Progress = Callable[[int, int], object]
"""Gets the numbers of tokens computed and in all; what it raises ends the work."""


class Pace:
    """How many tokens to read at once, so that a question never waits for long."""

    def __init__(self) -> None:
        self.step = 16

    def took(self, seconds: float) -> None:
        """Tell how long the last portion took."""
        if seconds < _QUICK_S:
            self.step = min(self.step * 2, STEP)
        elif seconds > _SLOW_S:
            self.step = max(self.step // 2, _LEAST_STEP)


@dataclass(frozen=True)
class Snapshot:
    """The layers' caches after these token ids. They are never written to: copies are."""

    ids: list[int]
    layers: Layers


@dataclass(frozen=True)
class Owner:
    """Whose prompt it is: the adapters that read it, as a key, and the conversation's id.

    is_plain: whether the prompt is the conversation and nothing else, such as passages of notes.
    adapter_ids: those of the adapters in the library.
    """

    adapters: str = ""
    conversation: int | None = None
    is_plain: bool = True
    adapter_ids: tuple[str, ...] = ()


@dataclass
class PromptCache:
    """The cache of one model: `layers`, as mlx-lm's models take them, hold exactly `ids`.

    trims: False where a trial of the model found that its cache cannot be cut back, whatever it
    says of itself. said: how many of the ids belong to what was asked and answered; those after
    them were only typed so far. saved: how many of the ids are on the disk.
    """

    model: nn.Module
    layers: Layers
    ids: list[int] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    trims: bool = True
    owner: Owner = field(default_factory=Owner)
    said: int = 0
    saved: int = 0

    @classmethod
    def of(
        cls, model: nn.Module, abilities: Abilities | None = None, owner: Owner | None = None
    ) -> PromptCache:
        """An empty cache for a model; `abilities`: what its trial found, None without one."""
        trims = abilities is None or abilities.trims_cache
        return cls(model, make_prompt_cache(model), trims=trims, owner=owner or Owner())

    @property
    def can_be_cut(self) -> bool:
        """Whether the cache can be cut back to any length, so that no copies are needed."""
        return self.trims and is_of_keys_and_values(self.layers)

    @property
    def bytes(self) -> int:
        """The memory that it takes, its snapshots included."""
        held = [self.layers, *(each.layers for each in self.snapshots)]
        return sum(bytes_of(layer) for layers in held for layer in layers)

    def reusable(self, prompt: Sequence[int]) -> int:
        """How many tokens of a prompt need not be computed again: at most all but its last."""
        if self.can_be_cut:
            return shared_length(self.ids, prompt[:-1])
        known = [self.ids, *(each.ids for each in self.snapshots)]
        return max((len(ids) for ids in known if _begins(ids, prompt)), default=0)

    def begin(self, prompt: Sequence[int]) -> int:
        """Keep the longest known beginning of a prompt, at most all but its last token.

        Returns its length in tokens; `layers` hold just these then.
        """
        shared = self.reusable(prompt)
        if shared == len(self.ids):
            return shared
        if shared == 0:
            self.layers = make_prompt_cache(self.model)
        elif self.can_be_cut:
            trim_prompt_cache(self.layers, len(self.ids) - shared)
        else:
            self.layers = copied(next(s.layers for s in self.snapshots if len(s.ids) == shared))
        self._forget_after(shared, prompt)
        return shared

    def branch(self, prompt: Sequence[int], owner: Owner) -> PromptCache:
        """Another cache that has begun with the same prompt; this one stays as it is."""
        snapshots = [each for each in self.snapshots if _begins(each.ids, prompt)]
        found = replace(self, ids=list(self.ids), snapshots=snapshots, owner=owner)
        shared = self.reusable(prompt)
        if self.can_be_cut and shared:
            found.layers = [beginning(each, shared) for each in self.layers]
            found._forget_after(shared, prompt)
        else:
            found.layers = copied(self.layers)
            found.begin(prompt)
        return found

    def read(
        self,
        prompt: Sequence[int],
        end: int,
        on_progress: Progress,
        pace: Pace | None = None,
    ) -> None:
        """Compute a prompt up to its token `end`, in portions of `STEP` tokens or at a pace.

        `ids` must begin the prompt. When `on_progress` ends the work, they tell how far it came.
        """
        while len(self.ids) < end:
            on_progress(len(self.ids), len(prompt))
            began = time.perf_counter()
            part = prompt[len(self.ids) : min(end, len(self.ids) + (pace.step if pace else STEP))]
            self.feed(mx.array(list(part)))
            mx.eval([each.state for each in self.layers])  # without logits, which nobody needs
            self.ids += part
            if len(part) == STEP:
                mx.clear_cache()
            if pace and len(part) == pace.step:
                pace.took(time.perf_counter() - began)

    def read_up_to(
        self,
        end: int,
        prompt: Sequence[int],
        on_progress: Progress,
        pace: Pace | None = None,
    ) -> None:
        """Compute the prompt up to its token `end` and keep a copy of it, if one is needed.

        Does nothing where the cache can be cut back.
        """
        if self.can_be_cut or end <= len(self.ids):
            return
        self.read(prompt, end, on_progress, pace)
        self.snapshots = [Snapshot(list(self.ids), copied(self.layers)), *self.snapshots]
        self.snapshots = self.snapshots[:_SNAPSHOTS]

    def feed(self, ids: mx.array) -> mx.array:
        """The logits after each of these ids, (ids, vocabulary); the caller adds them to `ids`."""
        logits: mx.array = self.model(ids[None], cache=self.layers)[0]
        if self.trims:
            self.layers = made_small(self.model, self.layers)
        return logits

    def take_back(self, count: int) -> None:
        """Cut off the last tokens, which are not in `ids`."""
        trim_prompt_cache(self.layers, count)

    def _forget_after(self, shared: int, prompt: Sequence[int]) -> None:
        self.ids = list(prompt[:shared])
        self.snapshots = [each for each in self.snapshots if _begins(each.ids, prompt)]
        self.said = min(self.said, shared)
        self.saved = 0


def is_of_keys_and_values(layers: Sequence[Any]) -> bool:
    """Whether caches hold all keys and values and nothing else, so that they can be cut back.

    mlx-lm's ConcatenateKVCache only says that it can: what it cuts off comes back.
    """
    return all(
        is_of_keys_and_values(each.caches)
        if isinstance(each, CacheList)
        else type(each) in {KVCache, QuantizedKVCache}
        for each in layers
    )


def copied(layers: Sequence[Any]) -> Layers:
    """Copies of caches, which stay as they are while the others are written to."""
    return copy.deepcopy(list(layers))


def beginning(layer: Any, length: int) -> Any:
    """A cache of keys and values with the first `length` tokens of another one, and no room."""
    found = copy.copy(layer)
    if isinstance(layer, CacheList):
        found.caches = tuple(beginning(each, length) for each in layer.caches)
        return found
    if isinstance(layer, QuantizedKVCache):
        found.keys = tuple(each[..., :length, :] for each in layer.keys)
        found.values = tuple(each[..., :length, :] for each in layer.values)
    elif layer.keys is not None:
        found.keys, found.values = layer.keys[..., :length, :], layer.values[..., :length, :]
    found.offset = length
    return found


def bytes_of(layer: Any) -> int:
    """The memory that a layer's cache takes; 0 where mlx-lm does not say."""
    try:
        return 0 if layer.empty() else int(layer.nbytes)
    except NotImplementedError:
        return 0


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the longest common beginning."""
    one, other = list(one), list(other)
    length = 0
    while one[length : length + STEP] == other[length : length + STEP] and length < len(one):
        length += STEP  # whole portions are compared much faster than tokens
    for place in range(length, min(len(one), len(other))):
        if one[place] != other[place]:
            return place
    return min(len(one), len(other))


def _begins(ids: Sequence[int], prompt: Sequence[int]) -> bool:
    """Whether ids begin a prompt, and leave a token of it to compute."""
    return 0 < len(ids) < len(prompt) and list(prompt[: len(ids)]) == list(ids)
