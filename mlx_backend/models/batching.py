"""Which prompts may go through a model together, and one by one where none may.

Shorter prompts of a batch are padded at their beginning. Attention masks the padding; what a
recurrent layer keeps, or a window of attention, does not always pass over it. So with such caches
only prompts of the same length share a batch. A few architectures take no batches at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import CacheList, KVCache, make_prompt_cache

from mlx_backend.models.prompt_cache import copied

NOT_IN_BATCHES = (AttributeError, IndexError, NotImplementedError, TypeError, ValueError)
"""What an architecture raises that mlx-lm cannot compute in batches."""


def batches(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    most: int,
    order: Sequence[int] | None = None,
) -> Iterator[list[int]]:
    """The indices of prompts in batches of at most `most`, in this order or that of the prompts.

    Where prompts of different lengths cannot share a batch, they are ordered by length; where
    mlx-lm cannot merge the caches of several prompts, each is a batch of its own.
    """
    order = range(len(prompts)) if order is None else order
    caches = make_prompt_cache(model)
    may_pad = _masks_padding(caches)
    most = most if all(hasattr(each, "merge") for each in caches) else 1
    if not may_pad:
        order = sorted(order, key=lambda i: len(prompts[i]))
    batch: list[int] = []
    for i in order:
        differs = bool(batch) and len(prompts[batch[0]]) != len(prompts[i])
        if len(batch) == most or (differs and not may_pad):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _masks_padding(caches: Sequence[Any]) -> bool:
    """Whether each layer has the kind of cache whose batches mask what is before a prompt."""
    return all(
        _masks_padding(each.caches) if isinstance(each, CacheList) else type(each) is KVCache
        for each in caches
    )


def complete_alone(
    model: nn.Module,
    prompt: Sequence[int],
    ends: Sequence[int],
    max_tokens: int,
    cache: Sequence[Any] | None = None,
    sampler: Callable[[mx.array], mx.array] | None = None,
) -> list[int]:
    """The ids that a model writes after a prompt, without the one that ends it.

    `cache` is what it has read before the prompt, and stays as it is. Greedy without a `sampler`.
    """
    layers = None if cache is None else copied(cache)
    written: list[int] = []
    steps = generate_step(
        mx.array(list(prompt)), model, max_tokens=max_tokens, prompt_cache=layers, sampler=sampler
    )
    for token, _ in steps:
        if token in ends:
            break
        written.append(int(token))
    return written
