"""How much longer a study takes: a rough estimate at first, then by how fast the model writes."""

from __future__ import annotations

from mlx_backend.study.study import StudyProgress


class StudyClock:
    """Both times are Unix times: when the study is `expected` to end, and by when it must."""

    def __init__(self, expected: float, deadline: float) -> None:
        self._expected = expected
        self._deadline = deadline
        self._first: tuple[float, int] | None = None

    def remaining(self, progress: StudyProgress, now: float) -> float:
        """The seconds that are left, seen from the Unix time `now`."""
        if progress.by_model:
            self._measure(progress, now)
        return max(0.0, min(self._expected, self._deadline) - now)

    def _measure(self, progress: StudyProgress, now: float) -> None:
        if self._first is None:
            self._first = now, progress.done  # the model began at an unknown time before
        since, before = self._first
        if progress.done > before:
            seconds_each = (now - since) / (progress.done - before)
            self._expected = now + seconds_each * (progress.total - progress.done)
        elif progress.done >= progress.total:
            self._expected = now
