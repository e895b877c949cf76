"""What a merge of a lower rank lost, in words that the terminal and the window share."""

from __future__ import annotations

from collections.abc import Mapping

CLOSE = 0.01
"""At most so much (a share by the Frobenius norm) may be lost for a merge to count as close."""


def better_rank(result: Mapping[str, object]) -> str:
    """Which rank to merge in instead, where more than `CLOSE` was lost; "" where it was not.

    `result` is that of a merge; one of an earlier version does not tell.
    """
    lost, close, exact = (result.get(name) for name in ("lost", "close_rank", "exact_rank"))
    if not isinstance(lost, float) or lost <= CLOSE or close is None or exact is None:
        return ""
    begin = "To lose at most 1 percent, merge them again"
    if close == exact:
        return f"{begin} exactly, which takes rank {exact}."
    return f"{begin} with rank {close}; exactly, they take rank {exact}."
