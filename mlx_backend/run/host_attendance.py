"""Which machines take part, judged by their signs of life."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

LEFT_ALONE = 75
"""The exit code of a machine that ended because it lost the others (sysexits.h: EX_TEMPFAIL)."""

# `mlx.launch` terminates all others once one has ended.
_ENDED_WITH_THE_OTHERS = {LEFT_ALONE, -signal.SIGTERM, 128 + signal.SIGTERM}


@dataclass
class Attendance:
    """The machines by rank; times in seconds, of any one clock.

    `began` is when all were started, `patience` how long one may be silent. The leading machine,
    rank 0, is this one and never counts as lost.
    """

    size: int
    began: float
    patience: float
    _heard: dict[int, float] = field(default_factory=dict)
    _ended: dict[int, int] = field(default_factory=dict)
    _done: set[int] = field(default_factory=set)

    def hear(self, rank: int, now: float) -> None:
        """A machine gave a sign of life."""
        self._heard[rank] = now

    def let_go(self, rank: int) -> None:
        """A machine reported that its work is done."""
        self._done.add(rank)

    def end(self, rank: int, code: int) -> None:
        """A machine's process has ended with this exit code."""
        self._ended.setdefault(rank, code)

    def leading_end(self) -> int | None:
        """The exit code of the leading process; None while it runs."""
        return self._ended.get(0)

    def was_heard(self, rank: int) -> bool:
        """Whether a machine ever gave a sign of life."""
        return rank in self._heard

    def lost(self, now: float) -> int | None:
        """The rank of a machine that is lost: it ended on its own, or was silent for too long."""
        for rank in self._led():
            if self._ended.get(rank, LEFT_ALONE) not in _ENDED_WITH_THE_OTHERS:
                return rank
        silent = (
            rank
            for rank in self._led()
            if rank not in self._ended and now - self._heard.get(rank, self.began) > self.patience
        )
        return next(silent, None)

    def likeliest_lost(self) -> int:
        """The rank that is most likely lost, where one is lost but it is not certain which."""
        return min(self._led(), key=lambda rank: self._heard.get(rank, 0.0), default=1)

    def _led(self) -> list[int]:
        return [rank for rank in range(1, self.size) if rank not in self._done]
