"""Whether a model would begin its answer with "yes" or with "no"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.tokenizer_utils import TokenizerWrapper

from mlx_backend.models.prompt_cache import PromptCache

_STEP = 512
"""Tokens of a prompt that are computed at once."""


@dataclass(frozen=True)
class FirstWords:
    """The ids of the tokens with which "yes" and "no" begin, however they are written."""

    yes: tuple[int, ...]
    no: tuple[int, ...]

    def odds(self, logits: mx.array) -> float:
        """The log-odds (nats) of "yes" against "no"; logits: those of the next token."""
        logits = logits.astype(mx.float32)
        yes, no = (mx.logsumexp(logits[mx.array(ids)]) for ids in (self.yes, self.no))
        odds = (yes - no).item()
        assert isinstance(odds, float)
        return odds


def first_words(tokenizer: TokenizerWrapper) -> FirstWords | None:
    """The beginnings of both words; None where a tokenizer does not tell them apart."""
    yes, no = (_beginnings(tokenizer, word) for word in ("yes", "no"))
    only_yes, only_no = yes - no, no - yes
    if not only_yes or not only_no:
        return None
    return FirstWords(tuple(sorted(only_yes)), tuple(sorted(only_no)))


def next_logits(
    model: nn.Module,
    prompt: Sequence[int],
    cache: PromptCache,
    on_progress: Callable[[int, int], object],
) -> mx.array:
    """The logits of the token after a prompt, (vocabulary,), of which `cache` holds the beginning.

    `on_progress` gets the numbers of tokens computed and in all; what it raises ends the work, and
    what was computed stays in the cache.
    """
    begin = len(cache.ids)
    for start in range(begin, len(prompt) - 1, _STEP):
        on_progress(start, len(prompt))
        part = mx.array(list(prompt[start : min(len(prompt) - 1, start + _STEP)]))
        model(part[None], cache=cache.layers)
        mx.eval([layer.state for layer in cache.layers])  # without the logits, which nobody needs
    on_progress(len(prompt) - 1, len(prompt))
    logits: mx.array = model(mx.array([[prompt[-1]]]), cache=cache.layers)[0, -1]
    mx.eval(logits)
    return logits


def _beginnings(tokenizer: TokenizerWrapper, word: str) -> set[int]:
    """The first token with a letter of each way to write a word."""
    found = set()
    for written in (word, word.capitalize(), word.upper()):
        for before in ("", " "):
            ids = tokenizer.encode(before + written, add_special_tokens=False)
            found |= {next((id for id in ids if tokenizer.decode([id]).strip()), -1)}
    return found - {-1}
