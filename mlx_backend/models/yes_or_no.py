"""Whether a model would begin its answer with "yes" or with "no"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mlx.core as mx
from mlx_lm.tokenizer_utils import TokenizerWrapper

from mlx_backend.models.prompt_cache import Progress, PromptCache


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


def next_logits(prompt: Sequence[int], cache: PromptCache, on_progress: Progress) -> mx.array:
    """The logits of the token after a prompt, (vocabulary,), of which `cache` holds the beginning.

    `on_progress` gets the numbers of tokens computed and in all; what it raises ends the work, and
    what was computed stays in the cache.
    """
    cache.read(prompt, len(prompt) - 1, on_progress)
    on_progress(len(prompt) - 1, len(prompt))
    logits = cache.feed(mx.array([prompt[-1]]))[-1]
    mx.eval(logits)
    cache.ids.append(prompt[-1])
    return logits


def _beginnings(tokenizer: TokenizerWrapper, word: str) -> set[int]:
    """The first token with a letter of each way to write a word."""
    found = set()
    for written in (word, word.capitalize(), word.upper()):
        for before in ("", " "):
            ids = tokenizer.encode(before + written, add_special_tokens=False)
            found |= {next((id for id in ids if tokenizer.decode([id]).strip()), -1)}
    return found - {-1}
