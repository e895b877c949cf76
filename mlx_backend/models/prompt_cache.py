"""What a model remembers of a prompt, kept for the next one: cut back, or taken from a snapshot.

Keys and values of plain attention can be cut back to any length. What a recurrent layer or a
window of attention keeps cannot: of these, copies are made at places to which conversations
return, the ends of their questions.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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

_STEP = 512
"""Tokens of a prompt that are computed at once."""

_SNAPSHOTS = 2
"""Copies kept of a conversation: at its last question, and at the one before for another try."""

Layers = list[Any]


@dataclass
class _Snapshot:
    """The layers' caches after these token ids."""

    ids: list[int]
    layers: Layers


@dataclass
class PromptCache:
    """The cache of one model; `layers` is what mlx-lm's functions take and change.

    trims: False where a trial of the model found that its cache cannot be cut back, whatever it
    says of itself.
    """

    model: nn.Module
    layers: Layers
    ids: list[int] = field(default_factory=list)
    snapshots: list[_Snapshot] = field(default_factory=list)
    trims: bool = True

    @classmethod
    def of(cls, model: nn.Module, abilities: Abilities | None = None) -> PromptCache:
        """An empty cache for a model; `abilities`: what its trial found, None without one."""
        trims = abilities is None or abilities.trims_cache
        return cls(model, make_prompt_cache(model), trims=trims)

    @property
    def can_be_cut(self) -> bool:
        """Whether the cache can be cut back to any length, so that no copies are needed."""
        return self.trims and is_of_keys_and_values(self.layers)

    def begin(self, prompt: Sequence[int]) -> int:
        """Keep the longest known beginning of a prompt, at most all but its last token.

        Returns its length in tokens; `layers` hold just these then.
        """
        if self.can_be_cut:
            shared = shared_length(self.ids, prompt[:-1])
            if shared > 0:
                trim_prompt_cache(self.layers, len(self.ids) - shared)
            else:
                self.layers = make_prompt_cache(self.model)
        else:
            shared = self._from_snapshot(prompt)
        self.ids = list(prompt[:shared])
        return shared

    def read_up_to(
        self, end: int, prompt: Sequence[int], on_progress: Callable[[int, int], object]
    ) -> int:
        """Compute the prompt up to its token `end` and keep a copy of it, if one is needed.

        Returns how many tokens are computed now. Does nothing where the cache can be cut back.
        `on_progress` gets the numbers of tokens computed and in all; what it raises ends the work.
        """
        begin = len(self.ids)
        if self.can_be_cut or end <= begin:
            return begin
        for start in range(begin, end, _STEP):
            on_progress(start, len(prompt))
            part = mx.array(list(prompt[start : min(end, start + _STEP)]))
            self.model(part[None], cache=self.layers)
            mx.eval([each.state for each in self.layers])
        self.ids = list(prompt[:end])
        self.snapshots = [_Snapshot(self.ids, copied(self.layers)), *self.snapshots][:_SNAPSHOTS]
        return end

    def remember(self, ids: Sequence[int]) -> None:
        """Note that the layers were computed for these ids, of which the last may be missing."""
        if self.can_be_cut:
            self.ids = list(ids[: _offset(self.layers[0])])

    def _from_snapshot(self, prompt: Sequence[int]) -> int:
        """Take the longest snapshot that begins the prompt, else begin anew."""
        known = [s for s in self.snapshots if shared_length(s.ids, prompt[:-1]) == len(s.ids)]
        self.snapshots = known
        if not known:
            self.layers = make_prompt_cache(self.model)
            return 0
        longest = max(known, key=lambda snapshot: len(snapshot.ids))
        self.layers = copied(longest.layers)
        return len(longest.ids)


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


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the longest common beginning."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _offset(layer: Any) -> int:
    """The number of tokens that a cache holds."""
    return _offset(layer.caches[0]) if isinstance(layer, CacheList) else int(layer.offset)
