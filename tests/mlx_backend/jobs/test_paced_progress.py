from __future__ import annotations

from mlx_backend.jobs.paced_progress import PacedProgress
from mlx_backend.protocol import JobEvent, Progress


def test_each_kind_of_thing_has_a_pace_of_its_own() -> None:
    told: list[JobEvent] = []
    times = iter([0.0, 10.0, 100.0, 102.0])
    progress = PacedProgress(told.append, lambda: next(times))
    progress.show("files", 0, 5)
    progress.show("files", 1, 5)
    progress.show("secrets", 0, 3)
    progress.show("secrets", 2, 3)
    assert all(isinstance(event, Progress) for event in told)
    left = [event.remaining_s for event in told if isinstance(event, Progress)]
    assert left == [None, 40.0, None, 1.0]
