"""How likely a model finds a text behind another: what a small one tells better than it writes."""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx
import mlx.nn as nn

from mlx_backend.base_model import LoadedModel
from mlx_backend.cores import CoreShare

_MOST_ROWS = 32
# Logits computed at once: float32, half a gigabyte.
_MOST_LOGITS = 128_000_000
_USUAL_VOCABULARY = 152_000


def likelihoods(loaded: LoadedModel, contexts: Sequence[str], texts: Sequence[str]) -> list[float]:
    """The mean log probability (nats a token) of each text behind its context."""
    pairs = [
        (_encode(loaded, context, is_beginning=True), _encode(loaded, f" {text}"))
        for context, text in zip(contexts, texts, strict=True)
    ]
    order = sorted(range(len(pairs)), key=lambda i: sum(map(len, pairs[i])), reverse=True)
    found = [0.0] * len(pairs)
    cores = CoreShare()
    while order:
        cores.adapt()
        rows = rows_at_once(loaded, sum(map(len, pairs[order[0]])))
        chosen, order = order[:rows], order[rows:]
        for i, mean in zip(chosen, _of_batch(loaded, [pairs[i] for i in chosen]), strict=True):
            found[i] = mean
    return found


def rows_at_once(loaded: LoadedModel, length: int) -> int:
    """How many rows of `length` tokens may go through a model with all of their logits."""
    arguments = getattr(loaded.model, "args", None)
    vocabulary = getattr(arguments, "vocab_size", None) or _USUAL_VOCABULARY
    return max(1, min(_MOST_ROWS, _MOST_LOGITS // (max(1, length) * vocabulary)))


def _of_batch(loaded: LoadedModel, pairs: Sequence[tuple[list[int], list[int]]]) -> list[float]:
    length = max(len(context) + len(text) for context, text in pairs)
    rows = [
        [*context, *text] + [0] * (length - len(context) - len(text)) for context, text in pairs
    ]
    ids = mx.array(rows)
    losses = nn.losses.cross_entropy(loaded.model(ids[:, :-1]), ids[:, 1:])
    mx.eval(losses)
    return [
        -float(losses[row, len(context) - 1 : len(context) + len(text) - 1].mean())
        for row, (context, text) in enumerate(pairs)
    ]


def _encode(loaded: LoadedModel, text: str, is_beginning: bool = False) -> list[int]:
    """A text's tokens, at a beginning with what the model wants first."""
    ids: list[int] = loaded.tokenizer.encode(text, add_special_tokens=is_beginning)
    return ids
