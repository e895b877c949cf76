"""Saving the prompt caches of conversations in the library, and finding them again."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import mlx.core as mx
from mlx_lm.models.cache import KVCache, QuantizedKVCache, load_prompt_cache, save_prompt_cache

from mlx_backend.library import database
from mlx_backend.library.home import Library
from mlx_backend.library.kept_prompts import (
    PromptCard,
    forget,
    forget_gone,
    is_whole,
    keep_prompt,
    kept_prompts,
)
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.generated_answers import GeneratedAnswers
from mlx_backend.models.prompt_cache import (
    Layers,
    Owner,
    PromptCache,
    Snapshot,
    beginning,
    bytes_of,
    copied,
)

_LEAST = 64
"""Tokens. Fewer are read again as fast as they are loaded."""

_SNAPSHOTS = 2  # of those that a cache has

_log = logging.getLogger(__name__)


class SavedPrompts:
    """The prompt caches of one base model in a library; `generated` learns its answers' ids."""

    def __init__(self, library: Library, loaded: LoadedModel, generated: GeneratedAnswers) -> None:
        self._library = library
        self._loaded = loaded
        self._generated = generated
        kind = "gpu" if has_gpu() else "cpu"
        self._made_with = (version("mlx"), version("mlx-lm"), kind)

    def load(self, owner: Owner) -> PromptCache | None:
        """The cache of a conversation, read with these adapters; None without a sound one."""
        for kept in kept_prompts(self._library):
            if not self._is_of(kept.card, owner):
                continue
            try:
                if is_whole(kept):
                    return self._read(sorted(kept.path / name for name in kept.card.files), owner)
            except Exception:  # whatever a damaged file makes mlx-lm raise
                _log.exception("what was read of a conversation could not be loaded")
            forget(kept.path)
        return None

    def save(self, caches: Sequence[PromptCache]) -> None:
        """Save those that are of a conversation and have changed since; the rest stays on disk.

        Where that fails, for example on a full disk, nothing is saved.
        """
        changed = [each for each in _newest(caches) if each.said > max(each.saved, _LEAST)]
        try:
            for cache in changed:
                self._save(cache)
            if changed:
                with database.opened(self._library.database) as connection:
                    forget_gone(self._library, connection)
        except Exception:
            _log.exception("what was read of a conversation could not be saved")

    def _save(self, cache: PromptCache) -> None:
        cache.saved = cache.said  # even if that fails: it is tried again when there is more
        states = _states(cache)
        if not states:
            return
        card = PromptCard(
            conversation=cache.owner.conversation or 0,
            base_sha256=self._loaded.info.card.sha256,
            adapters=cache.owner.adapters,
            adapter_ids=cache.owner.adapter_ids,
            made_with=self._made_with,
            files={},
            saved=0.0,
        )

        def write(folder: Path) -> None:
            for number, state in enumerate(states):
                answers = self._generated.within(state.ids)
                said = {"ids": json.dumps(state.ids), "answers": json.dumps(answers)}
                save_prompt_cache(str(folder / f"{number}.safetensors"), state.layers, said)

        size = sum(bytes_of(layer) for state in states for layer in state.layers)
        keep_prompt(self._library, card, size, write)

    def _is_of(self, card: PromptCard, owner: Owner) -> bool:
        return (card.conversation, card.base_sha256, card.adapters, card.made_with) == (
            owner.conversation,
            self._loaded.info.card.sha256,
            owner.adapters,
            self._made_with,
        )

    def _read(self, files: Sequence[Path], owner: Owner) -> PromptCache:
        """The cache in files, the longest first. Raises anything where they are not sound."""
        cache = PromptCache.of(self._loaded.model, self._loaded.info.card.abilities, owner)
        states = [self._state(file, cache.layers) for file in files]
        first = states[0]
        cache.ids, cache.layers = list(first.ids), first.layers
        cache.said = cache.saved = len(first.ids)
        if not cache.can_be_cut:
            cache.layers, cache.snapshots = copied(first.layers), states
        return cache

    def _state(self, file: Path, like: Layers) -> Snapshot:
        layers, said = load_prompt_cache(str(file), return_metadata=True)
        kinds = [type(each) for each in like]
        small = [QuantizedKVCache if kind is KVCache else kind for kind in kinds]
        if [type(each) for each in layers] not in (kinds, small):
            raise ValueError(f"{file.name} has other layers than the model")
        mx.eval([each.state for each in layers])
        ids = [int(number) for number in json.loads(said["ids"])]
        for text, answer in json.loads(said["answers"]).items():
            self._generated.add(text, answer)
        return Snapshot(ids, layers)


def _newest(caches: Sequence[PromptCache]) -> list[PromptCache]:
    """Of each conversation and choice of adapters the cache that was used last."""
    found: dict[Owner, PromptCache] = {}
    for cache in caches:
        if cache.owner.conversation is not None and cache.owner.is_plain:
            found.setdefault(cache.owner, cache)
    return list(found.values())


def _states(cache: PromptCache) -> list[Snapshot]:
    """What to save: all that was said; of a cache that cannot be cut back, what it goes on from."""
    if cache.can_be_cut:
        layers = [beginning(each, cache.said) for each in cache.layers]
        return [Snapshot(cache.ids[: cache.said], layers)]
    whole = [Snapshot(cache.ids, cache.layers)] if cache.said == len(cache.ids) else []
    earlier = [each for each in cache.snapshots if len(each.ids) <= cache.said]
    states = sorted([*whole, *earlier], key=lambda each: len(each.ids), reverse=True)
    return states[: _SNAPSHOTS + len(whole)]
