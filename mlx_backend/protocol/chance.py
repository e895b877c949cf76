"""Whether chance alone explains a difference between two exams of the same questions."""

from __future__ import annotations

import math

LIKELY = 0.05
"""From this probability on, a difference is called one that chance alone may bring."""


def chance_of(gained: int, lost: int) -> float:
    """The probability that chance alone makes a difference as large as this one, either way.

    gained, lost: questions that only one of the two answered right. McNemar's exact test: among
    these, which of the two was right is as a coin falls (McNemar 1947, doi:10.1007/BF02295996).
    """
    total = gained + lost
    as_few = sum(math.comb(total, k) for k in range(min(gained, lost) + 1))
    return min(1.0, 2 * as_few / (1 << total))


def may_be_chance(gained: int, lost: int) -> bool:
    """Whether chance alone may bring such a difference."""
    return chance_of(gained, lost) >= LIKELY
