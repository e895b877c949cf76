"""Generating tokens after a prompt, one by one or, where an answer quotes, several at once.

As mlx-lm's `stream_generate`, the next token is computed while the last one is read. The cache
knows at any time which tokens it holds, so that an answer that was ended early can be gone on with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import mlx.core as mx

from mlx_backend.machine.arrays import rounding_of, whole_numbers
from mlx_backend.models.prompt_cache import PromptCache
from mlx_backend.models.prompt_lookup import PromptLookup

Sampler = Callable[[mx.array], mx.array]
"""Chooses a token from log-probabilities: (rows, vocabulary) to (rows,)."""

REST = 16
"""Tokens at the end of a prompt that are computed with the first one after it, all at once."""

_CLEARED = 256  # tokens after which MLX's freed memory is given back


@dataclass(frozen=True)
class Token:
    """A token of an answer; `is_drafted`: it was guessed, and the model agreed."""

    id: int
    is_drafted: bool = False


class Decoder:
    """Generates after a prompt of which the cache holds the beginning.

    `is_greedy` tells that the sampler takes the likeliest token. Without a lookup, tokens come one
    by one. With it they are the same, since each is chosen by the sampler from the model's own
    probabilities, in the same order of random numbers; where rounding might decide between the two
    likeliest tokens, one alone is computed.
    """

    def __init__(
        self,
        cache: PromptCache,
        sampler: Sampler,
        is_greedy: bool,
        lookup: PromptLookup | None = None,
    ) -> None:
        self._cache = cache
        self._sampler = sampler
        self._is_greedy = is_greedy
        self._lookup = lookup

    def tokens(self, rest: Sequence[int], most: int) -> Iterator[Token]:
        """At most `most` tokens after `rest`, what of the prompt the cache does not hold yet."""
        waiting = self._next(mx.array(list(rest)))
        self._cache.ids += rest
        count = 0
        while count < most:
            guess = self._lookup.guess(most - count) if self._lookup else []
            if not guess:
                following = self._next(waiting) if count + 1 < most else None
                token = whole_numbers(waiting)[0]
                if following is not None:
                    self._cache.ids.append(token)
                    waiting = following
                yield self._told(Token(token))
                count += 1
                if count % _CLEARED == 0:
                    mx.clear_cache()
                continue
            token = whole_numbers(waiting)[0]
            yield self._told(Token(token))
            count += 1
            if token != guess[0]:
                self._judge(0)
                waiting = self._fed(token)
                continue
            found, waiting = self._checked([token, *guess[1:]])
            for each in found:
                yield self._told(Token(each, is_drafted=True))
            count += len(found)

    def _told(self, token: Token) -> Token:
        if self._lookup is not None:
            self._lookup.add(token.id)
        return token

    def _judge(self, right: int) -> None:
        if self._lookup is not None:
            self._lookup.judge(right)

    def _next(self, last: mx.array) -> mx.array:
        """The token after all of `last`, (1,), which is being computed."""
        chosen = self._sampler(_log_probabilities(self._cache.feed(last)[-1:]))
        mx.async_eval(chosen)
        return chosen

    def _fed(self, last: int) -> mx.array:
        waiting = self._next(mx.array([last]))
        self._cache.ids.append(last)
        return waiting

    def _checked(self, guess: Sequence[int]) -> tuple[list[int], mx.array]:
        """The tokens of a guess after its first, as far as they are right, and the one after them.

        The first is known to be right. The cache holds what it returns but the last.
        """
        rows = _log_probabilities(self._cache.feed(mx.array(list(guess))))
        chosen, is_sure = self._choose(rows, guess)
        right = len(chosen) if not is_sure else len(chosen) - 1
        # Of a row that is in doubt, the input too is computed again, alone.
        held = right + 1 if is_sure else right
        self._cache.take_back(len(guess) - held)
        self._cache.ids += guess[:held]
        self._judge(right + 1)
        found = list(guess[1 : right + 1])
        if is_sure:
            return found, mx.array([chosen[-1]])
        return found, self._fed(guess[right])

    def _choose(self, rows: mx.array, guess: Sequence[int]) -> tuple[list[int], bool]:
        """The tokens that follow each token of a guess, up to the first that is not its next one.

        False, if rounding may have decided the one after those that are returned.
        """
        chosen: list[int] = []
        if self._is_greedy:
            return self._likeliest(rows, guess)
        for place in range(len(guess)):
            chosen += whole_numbers(self._sampler(rows[place : place + 1]))
            if place + 1 < len(guess) and chosen[-1] != guess[place + 1]:
                break
        return chosen, True

    def _likeliest(self, rows: mx.array, guess: Sequence[int]) -> tuple[list[int], bool]:
        best = self._sampler(rows)
        top = mx.take_along_axis(rows, best[:, None], axis=-1)[:, 0]
        others = mx.put_along_axis(rows, best[:, None], mx.array(-mx.inf, rows.dtype), axis=-1)
        sure = (top - others.max(axis=-1)) > rounding_of(rows.dtype) * mx.abs(rows).max(axis=-1)
        mx.eval(best, sure)
        chosen: list[int] = []
        pairs = zip(whole_numbers(best), whole_numbers(sure), strict=True)
        for place, (token, is_sure) in enumerate(pairs):
            if not is_sure:
                return chosen, False
            chosen.append(token)
            if place + 1 < len(guess) and token != guess[place + 1]:
                break
        return chosen, True


def _log_probabilities(logits: mx.array) -> mx.array:
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)
