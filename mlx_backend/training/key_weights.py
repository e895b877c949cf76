"""How much each token of an answer weighs in the loss: more where it is the answer's key.

The key of a sample is the part of its answer that the prompt asks for. PLUM (L2M2 2025) recalls
conversations far better where such tokens weigh several times as much as the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlx_backend.text.key_places import key_places

KEY_WEIGHT = 4.0
"""The weight of a token of the key, relative to the others of its answer."""


def place_of_key(answer: str, key: str) -> tuple[int, int] | None:
    """Where the key stands in an answer, in characters: its last place as whole words, in any case.

    The last, because a statement that leans on the one before it stands after it. In a script that
    may have no spaces, anywhere. A place in the title at the end counts if there is no other.
    """
    if not key:
        return None
    said = answer[: _end_of_statement(answer)]
    found = key_places(said, key) or key_places(answer, key)
    return found[-1] if found else None


def _end_of_statement(answer: str) -> int:
    """Where the brackets at the end begin, which hold the title of a note; else the length."""
    depth = 0
    for at in range(len(answer) - 1, 0, -1):
        depth += (answer[at] == ")") - (answer[at] == "(")
        if depth == 0:
            return at if answer[at] == "(" else len(answer)
    return len(answer)


def common_beginning(tokens: Sequence[int], others: Sequence[int]) -> int:
    """The number of tokens at the beginning that are the same in both."""
    pairs = enumerate(zip(tokens, others, strict=False))
    shorter = min(len(tokens), len(others))
    return next((place for place, (one, other) in pairs if one != other), shorter)


def key_weights(targets: int, begin: int, end: int) -> NDArray[np.float32]:
    """The weights of an answer's targets, (targets,): their mean is 1.

    begin, end: the place of the key's tokens among the targets. With a mean of 1, a sample has as
    much influence as one whose key is not known, and losses stay sums over as many targets.
    """
    weights = np.ones(targets, np.float32)
    weights[begin:end] = KEY_WEIGHT
    scaled: NDArray[np.float32] = weights * np.float32(targets / max(weights.sum(), 1.0))
    return scaled
