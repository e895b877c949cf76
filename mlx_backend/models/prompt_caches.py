"""The prompt caches of several conversations, of their branches, and of several adapters.

A prompt goes on from the cache that has most of it. Where that one holds a good deal that the
prompt does not (an edit, another try, another conversation), it stays as it is and a branch goes
on. Those that were not used for longest go first, when all take more memory than they may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mlx.nn as nn
import psutil

from mlx_backend.library.abilities import Abilities
from mlx_backend.models.prompt_cache import Owner, PromptCache

_FEW = 32
"""Tokens that are sooner read again than kept in a cache of their own."""

_MOST = 24  # caches


_LEAST_ROOM = 1 << 28


def usual_room() -> int:
    """The memory (bytes) for all caches: an eighth of the machine's, half of what is free."""
    memory = psutil.virtual_memory()
    return max(_LEAST_ROOM, min(memory.total // 8, memory.available // 2))


class PromptCaches:
    """What is kept for one base model; `room` gives the memory (bytes) that all may take.

    `missing` is asked once for each owner of whom nothing is kept, for example to load it.
    """

    def __init__(
        self,
        model: nn.Module,
        abilities: Abilities | None,
        missing: Callable[[Owner], PromptCache | None] = lambda _: None,
        room: Callable[[], int] = usual_room,
    ) -> None:
        self._model = model
        self._abilities = abilities
        self._room = room
        self._missing = missing
        self._asked: set[tuple[str, int | None]] = set()
        self._kept: list[PromptCache] = []  # the last used first

    def take(self, prompt: Sequence[int], owner: Owner) -> PromptCache:
        """A cache that has begun with a prompt, out of those that are kept until `keep`.

        Whoever takes it may drop it instead, when what it holds is no longer known.
        """
        best = max(self._of(owner.adapters), key=lambda each: each.reusable(prompt), default=None)
        shared = best.reusable(prompt) if best else 0
        if best is None or shared == 0:
            return PromptCache.of(self._model, self._abilities, owner)
        if best.said - shared > _FEW:
            return best.branch(prompt, owner)
        self._kept.remove(best)
        best.begin(prompt)
        best.owner = owner
        return best

    def expect(self, owner: Owner) -> None:
        """Prompts of an owner are about to come: have what is missing of theirs loaded."""
        whose = (owner.adapters, owner.conversation)
        if owner.conversation is None or whose in self._asked:
            return
        self._asked.add(whose)
        found = self._missing(owner)
        if found is not None:
            self._kept.append(found)

    def keep(self, cache: PromptCache) -> None:
        """Keep a cache; `cache.ids` must be what it holds."""
        if cache.ids:
            self._kept.insert(0, cache)
        room = self._room()
        while len(self._kept) > _MOST or (
            len(self._kept) > 1 and sum(each.bytes for each in self._kept) > room
        ):
            self._kept.pop()

    def forget(self, conversation: int) -> None:
        """Drop what was read of a conversation."""
        self._kept = [each for each in self._kept if each.owner.conversation != conversation]

    @property
    def kept(self) -> tuple[PromptCache, ...]:
        """All caches, the last used first."""
        return tuple(self._kept)

    def _of(self, adapters: str) -> list[PromptCache]:
        return [each for each in self._kept if each.owner.adapters == adapters]
