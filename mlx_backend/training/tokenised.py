"""Samples as tokens: what is learned of them, and how much each token counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlx_backend.training.key_weights import key_weights
from mlx_backend.training.packing import ROW_LENGTHS


@dataclass(frozen=True)
class SoftTargets:
    """The distribution to be learned at each position: the likeliest tokens, their probabilities.

    tokens: ids, (positions, width), all different in a row. probabilities: (positions, width), at
    most 1 in sum; the rest up to 1 is the probability of all other tokens together. temperature:
    that of the distribution, at which the prediction is compared with it, too.
    """

    tokens: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    temperature: float = 1.0


@dataclass(frozen=True)
class TokenisedSample:
    """A sample's tokens; the first `prompt_length` of them are the prompt and not learned.

    The targets are the tokens themselves, or the soft targets `soft`, if given. `rewordings` are
    the same sample with other prompts, for the passes after the first. `is_cut` tells that the
    sample was longer than a row. `weights`: how much each target's loss counts, (targets,); None
    for 1 each. `fact` is the fact that it teaches, "" for none; `key` are the first and one past
    the last of the targets that say what is asked for, (0, 0) where that is not known.
    `is_question`: whether its prompt asks for the key as a person would, and is no pile of words.
    """

    tokens: NDArray[np.int32]
    prompt_length: int
    is_cut: bool = False
    soft: SoftTargets | None = None
    rewordings: tuple[TokenisedSample, ...] = ()
    weights: NDArray[np.float32] | None = None
    fact: str = ""
    key: tuple[int, int] = (0, 0)
    is_question: bool = True

    @classmethod
    def of(
        cls,
        ids: Sequence[int],
        prompt_length: int,
        longest_row: int = ROW_LENGTHS[-1],
        soft: SoftTargets | None = None,
    ) -> TokenisedSample:
        """A sample of these token ids. One that is too long for a row loses its end."""
        longest = longest_row + 1
        return cls(np.array(ids[:longest], np.int32), prompt_length, len(ids) > longest, soft)

    @property
    def targets(self) -> int:
        """The number of tokens that are learned."""
        return max(0, len(self.tokens) - max(1, self.prompt_length))

    def weighted(self, begin: int, end: int) -> TokenisedSample:
        """The same with more weight on some targets, in all wordings: those in [begin, end)."""
        return replace(
            self,
            weights=key_weights(self.targets, begin, end),
            rewordings=tuple(other.weighted(begin, end) for other in self.rewordings),
        )

    def wording(self, number: int) -> TokenisedSample:
        """The wording for a pass, counted from 0."""
        place = number % (1 + len(self.rewordings))
        return self.rewordings[place - 1] if place else self
