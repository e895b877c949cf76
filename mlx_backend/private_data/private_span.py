"""Where a text holds something private, and of what kind; never what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class PrivateSpan:
    """Characters `start` to `end` of a text are private; `kind` is for the person: "AWS key"."""

    kind: str
    start: int
    end: int


def merged(findings: Iterable[PrivateSpan]) -> tuple[PrivateSpan, ...]:
    """The findings by place, those that overlap as one; of two kinds the first named one stays."""
    ranked = sorted(enumerate(findings), key=lambda item: (item[1].start, item[0]))
    result: list[tuple[int, PrivateSpan]] = []
    for rank, finding in ranked:
        if result and finding.start < result[-1][1].end:
            other_rank, other = result[-1]
            best_rank, best = min((rank, finding), (other_rank, other), key=lambda item: item[0])
            union = PrivateSpan(best.kind, other.start, max(other.end, finding.end))
            result[-1] = (best_rank, union)
        else:
            result.append((rank, finding))
    return tuple(finding for _, finding in result)
