"""The places of private data in a text, with their kinds, but never the values themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class PrivateSpan:
    """Characters [start, end) of a text are private; `kind` is for the person, as in "AWS key"."""

    kind: str
    start: int
    end: int


def merged(spans: Iterable[PrivateSpan]) -> tuple[PrivateSpan, ...]:
    """The spans ordered by place; overlapping ones become one, of the kind that came first."""
    ranked = sorted(enumerate(spans), key=lambda item: (item[1].start, item[0]))
    result: list[tuple[int, PrivateSpan]] = []
    for rank, span in ranked:
        if result and span.start < result[-1][1].end:
            other_rank, other = result[-1]
            best_rank, best = min((rank, span), (other_rank, other), key=lambda item: item[0])
            union = PrivateSpan(best.kind, other.start, max(other.end, span.end))
            result[-1] = (best_rank, union)
        else:
            result.append((rank, span))
    return tuple(span for _, span in result)
