"""How likely a model finds a text behind another: what a small one tells better than it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_backend.machine.cores import CoreShare
from mlx_backend.models.base_model import LoadedModel

_MOST_ROWS = 32
# Logits computed at once: float32, half a gigabyte.
_MOST_LOGITS = 128_000_000
_USUAL_VOCABULARY = 152_000


@dataclass(frozen=True)
class Reading:
    """How a model reads a text: log probabilities (nats), the mean of its tokens and its last."""

    mean: float
    end: float


def readings(loaded: LoadedModel, contexts: Sequence[str], texts: Sequence[str]) -> list[Reading]:
    """How likely each text is behind its context, and that it ends as it does."""
    pairs = [
        (_encode(loaded, context, is_beginning=True), _encode(loaded, f" {text}"))
        for context, text in zip(contexts, texts, strict=True)
    ]
    found = [Reading(0.0, 0.0)] * len(pairs)
    for chosen, rows, logits in logits_in_rows(loaded, [[*c, *t] for c, t in pairs]):
        losses = np.array(nn.losses.cross_entropy(logits, rows[:, 1:]))
        for row, i in enumerate(chosen):
            context, text = pairs[i]
            own = losses[row, len(context) - 1 :][: len(text)]
            found[i] = Reading(-float(own.mean()), -float(own[-1]))
    return found


def likelihoods(loaded: LoadedModel, contexts: Sequence[str], texts: Sequence[str]) -> list[float]:
    """The mean log probability (nats a token) of each text behind its context."""
    return [reading.mean for reading in readings(loaded, contexts, texts)]


def summed_losses(
    loaded: LoadedModel,
    texts: Sequence[tuple[list[int], int]],
    before_each: Callable[[], object] = lambda: None,
) -> list[tuple[float, int]]:
    """Of texts as tokens, each from a place on, the summed loss (nats) and the number of tokens.

    `before_each` is called before each batch; what it raises ends the work.
    """
    found = [(0.0, 0)] * len(texts)
    for chosen, rows, logits in logits_in_rows(loaded, [ids for ids, _ in texts]):
        before_each()  # nothing of this batch is computed yet
        losses = nn.losses.cross_entropy(logits, rows[:, 1:])
        mx.eval(losses)
        for row, i in enumerate(chosen):
            ids, start = texts[i]
            found[i] = float(losses[row, start - 1 : len(ids) - 1].sum()), len(ids) - start
    return found


def logits_in_rows(
    loaded: LoadedModel, texts: Sequence[Sequence[int]]
) -> Iterator[tuple[list[int], mx.array, mx.array]]:
    """Of texts as tokens: which of them, their tokens in rows, and the logits of what follows each.

    As many go through the model at once as their logits have room; the longest come first.
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


def _rows_at_once(loaded: LoadedModel, length: int) -> int:
    """How many rows of `length` tokens may go through a model with all of their logits."""
    arguments = getattr(loaded.model, "args", None)
    vocabulary = getattr(arguments, "vocab_size", None) or _USUAL_VOCABULARY
    return max(1, min(_MOST_ROWS, _MOST_LOGITS // (max(1, length) * vocabulary)))


def _encode(loaded: LoadedModel, text: str, is_beginning: bool = False) -> list[int]:
    """A text's tokens, at a beginning with what the model wants first."""
    ids: list[int] = loaded.tokenizer.encode(text, add_special_tokens=is_beginning)
    return ids
