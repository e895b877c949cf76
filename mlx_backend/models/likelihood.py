"""The probability that a model gives to a text after a context, computed in batches.

A small model judges texts better than it writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx_lm.models.cache import BatchKVCache, KVCache, make_prompt_cache, trim_prompt_cache

from mlx_backend.machine.cores import CoreShare
from mlx_backend.models.architecture import vocabulary_of
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.batching import NOT_IN_BATCHES

_MOST_ROWS = 32
_ROWS_READ = 16  # of contexts of about the same length: more of them share more padding
# Logits computed at once; as float32 they take half a gigabyte.
_MOST_LOGITS = 128_000_000
_USUAL_VOCABULARY = 152_000


@dataclass(frozen=True)
class Reading:
    """Log probabilities (nats) of a text: the mean over its tokens, and that of the last token."""

    mean: float
    end: float


def readings(loaded: LoadedModel, contexts: Sequence[str], texts: Sequence[str]) -> list[Reading]:
    """The log probabilities of each text after the context of the same index."""
    pairs = [
        (_encode(loaded, context, is_beginning=True), _encode(loaded, f" {text}"))
        for context, text in zip(contexts, texts, strict=True)
    ]
    found = [Reading(0.0, 0.0)] * len(pairs)
    for chosen, rows, logits in batched_logits(loaded, [[*c, *t] for c, t in pairs]):
        losses = np.array(_losses(logits, rows))
        for row, i in enumerate(chosen):
            context, text = pairs[i]
            own = losses[row, len(context) - 1 :][: len(text)]
            found[i] = Reading(-float(own.mean()), -float(own[-1]))
    return found


def likelihoods_after(
    loaded: LoadedModel, contexts: Sequence[str], texts: Sequence[str]
) -> list[list[float]]:
    """For each context, the mean log probability (nats per token) of each text after it.

    As `likelihoods`, but the model reads each context once for all texts, and computes logits for
    the texts alone: this takes nine tenths of the time for short contexts, and half for long ones.
    Models whose caches cannot be padded and cut back read all anew for each text, as do those that
    cannot go on with several contexts at once.
    """
    if all(type(each) is KVCache for each in make_prompt_cache(loaded.model)):
        try:
            return _read_once(loaded, contexts, texts)
        except NOT_IN_BATCHES:
            pass
    rows = [likelihoods(loaded, contexts, [text] * len(contexts)) for text in texts]
    return [list(each) for each in zip(*rows, strict=True)]


def _read_once(
    loaded: LoadedModel, contexts: Sequence[str], texts: Sequence[str]
) -> list[list[float]]:
    read = [_encode(loaded, context, is_beginning=True) for context in contexts]
    asked = [_encode(loaded, f" {text}") for text in texts]
    order = sorted(range(len(read)), key=lambda i: len(read[i]), reverse=True)
    found: list[list[float]] = [[] for _ in read]
    cores = CoreShare()
    longest = max((len(each) for each in asked), default=1)
    size = min(_ROWS_READ, _rows_at_once(loaded, longest))
    for first in range(0, len(order), size):
        cores.adapt()
        chosen = order[first : first + size]
        for i, means in zip(chosen, _after(loaded, [read[i] for i in chosen], asked), strict=True):
            found[i] = means
    return found


def _after(
    loaded: LoadedModel, contexts: Sequence[list[int]], texts: Sequence[list[int]]
) -> list[list[float]]:
    """The mean log probabilities of texts after contexts, all given as token ids, in one batch."""
    width = max(len(each) for each in contexts)
    padding = [width - len(each) for each in contexts]
    caches = [BatchKVCache(padding) for _ in make_prompt_cache(loaded.model)]
    rows = mx.array([[*[0] * pad, *ids] for pad, ids in zip(padding, contexts, strict=True)])
    if width > 1:
        loaded.model(rows[:, :-1], cache=caches)  # its logits are never computed: MLX is lazy
        mx.eval([cache.state for cache in caches])
    means = []
    for ids in texts:
        text = mx.broadcast_to(mx.array(ids), (len(contexts), len(ids)))
        given = mx.concatenate([rows[:, -1:], text[:, :-1]], axis=1)
        logits = loaded.model(given, cache=caches)
        losses = nn.losses.cross_entropy(logits.astype(mx.float32), text)
        means.append(np.array(-losses.mean(axis=1)))
        trim_prompt_cache(caches, len(ids))
    return [[float(each[row]) for each in means] for row in range(len(contexts))]


def likelihoods(loaded: LoadedModel, contexts: Sequence[str], texts: Sequence[str]) -> list[float]:
    """The mean log probability (nats per token) of each text after its context."""
    return [reading.mean for reading in readings(loaded, contexts, texts)]


def summed_losses(
    loaded: LoadedModel,
    texts: Sequence[tuple[list[int], int]],
    before_each: Callable[[], object] = lambda: None,
) -> list[tuple[float, int]]:
    """For each text, the cross-entropy (nats) summed over its tokens, and their number.

    A text is given as token ids and the index of the first one that counts, at least 1; those
    before are context. `before_each` is called before each batch; what it raises ends the work.
    """
    found = [(0.0, 0)] * len(texts)
    for chosen, rows, logits in batched_logits(loaded, [ids for ids, _ in texts]):
        before_each()  # MLX is lazy: nothing of this batch is computed yet
        losses = _losses(logits, rows)
        mx.eval(losses)
        for row, i in enumerate(chosen):
            ids, start = texts[i]
            found[i] = float(losses[row, start - 1 : len(ids) - 1].sum()), len(ids) - start
    return found


def after_one_beginning(
    loaded: LoadedModel, beginning: Sequence[int], texts: Sequence[Sequence[int]]
) -> list[float]:
    """The log probability (nats, summed over its tokens) of each text after the same beginning.

    All are given as token ids, none of them empty. The model reads the beginning once; where its
    caches cannot be handed to several texts, once for each.
    """
    parts = after_one_beginning_in_parts(loaded, beginning, texts, max(1, len(texts)))
    return [each for part in parts for each in part]


def after_one_beginning_in_parts(
    loaded: LoadedModel, beginning: Sequence[int], texts: Sequence[Sequence[int]], size: int
) -> Iterator[list[float]]:
    """The same for `size` texts at a time, in their order, for callers who may need but a few."""
    parts = [texts[first : first + size] for first in range(0, len(texts), size)]
    read = make_prompt_cache(loaded.model)
    if all(type(each) is KVCache for each in read):
        try:
            if len(beginning) > 1:
                loaded.model(mx.array([list(beginning[:-1])]), cache=read)
                mx.eval([cache.state for cache in read])
            while parts:
                yield _after_read(loaded, read, beginning[-1], parts[0])
                parts = parts[1:]
        except NOT_IN_BATCHES:
            pass
    for part in parts:
        pairs = [([*beginning, *text], len(beginning)) for text in part]
        yield [-loss for loss, _ in summed_losses(loaded, pairs)]


def _after_read(
    loaded: LoadedModel, read: Sequence[KVCache], last: int, texts: Sequence[Sequence[int]]
) -> list[float]:
    """The log probability of each text after what caches hold and the token `last`."""
    found = [0.0] * len(texts)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
    cores = CoreShare()
    while order:
        cores.adapt()
        length = len(texts[order[0]])
        size = _rows_at_once(loaded, length)
        chosen, order = order[:size], order[size:]
        rows = [[last, *texts[i], *[0] * (length - len(texts[i]))] for i in chosen]
        caches = [_for_rows(cache, len(chosen)) for cache in read]
        ids = mx.array(rows)
        losses = np.array(_losses(loaded.model(ids[:, :-1], cache=caches), ids))
        for row, i in enumerate(chosen):
            found[i] = -float(losses[row, : len(texts[i])].sum())
    return found


def _for_rows(read: KVCache, rows: int) -> KVCache:
    """A cache for so many rows, each of which goes on after what `read` holds."""
    cache = KVCache()
    if read.keys is not None:
        cache.offset = read.offset
        cache.keys = mx.repeat(read.keys[..., : read.offset, :], rows, axis=0)
        cache.values = mx.repeat(read.values[..., : read.offset, :], rows, axis=0)
    return cache


def batched_logits(
    loaded: LoadedModel, texts: Sequence[Sequence[int]]
) -> Iterator[tuple[list[int], mx.array, mx.array]]:
    """Run texts, given as token ids, through the model in batches, the longest first.

    Yields for each batch the indices of its texts, their ids padded with 0, (rows, length), and
    the logits of each next token, (rows, length - 1, vocabulary). A batch has as many rows as
    their logits fit into memory.
    """
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
    cores = CoreShare()
    while order:
        cores.adapt()
        length = len(texts[order[0]])
        size = _rows_at_once(loaded, length)
        chosen, order = order[:size], order[size:]
        rows = mx.array([[*texts[i], *[0] * (length - len(texts[i]))] for i in chosen])
        yield chosen, rows, loaded.model(rows[:, :-1])


def _losses(logits: mx.array, rows: mx.array) -> mx.array:
    """The cross-entropy (nats) of each token after the first, in float32."""
    return nn.losses.cross_entropy(logits.astype(mx.float32), rows[:, 1:])


def _rows_at_once(loaded: LoadedModel, length: int) -> int:
    """How many rows of `length` tokens fit into a batch, at least 1."""
    vocabulary = vocabulary_of(loaded.model) or _USUAL_VOCABULARY
    return max(1, min(_MOST_ROWS, _MOST_LOGITS // (max(1, length) * vocabulary)))


def _encode(loaded: LoadedModel, text: str, is_beginning: bool = False) -> list[int]:
    """A text's token ids; at the beginning with the tokens that the model expects first."""
    ids: list[int] = loaded.tokenizer.encode(text, add_special_tokens=is_beginning)
    return ids
