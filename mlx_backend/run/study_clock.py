"""How much longer a study takes: a rough estimate at first, then by how fast the model writes."""

from __future__ import annotations

from mlx_backend.jobs.pace import Pace
from mlx_backend.study.study import StudyProgress


class StudyClock:
    """Both times are Unix times: when the study is `expected` to end, and by when it must."""

    def __init__(self, expected: float, deadline: float) -> None:
        self._expected = expected
        self._deadline = deadline
        self._pace = Pace()

    def remaining(self, progress: StudyProgress, now: float) -> float:
        """The seconds that are left, seen from the Unix time `now`."""
        if progress.by_model:
            self._measure(progress, now)
        return max(0.0, min(self._expected, self._deadline) - now)

    def _measure(self, progress: StudyProgress, now: float) -> None:
        left = self._pace.remaining(progress.done, progress.total, now)
        if left is not None:
            self._expected = now + left
        elif progress.done >= progress.total:
            self._expected = now
