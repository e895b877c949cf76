from __future__ import annotations

from mlx_backend.run.study_clock import StudyClock
from mlx_backend.study.study import StudyProgress


def written(done: int, by_model: bool = True) -> StudyProgress:
    return StudyProgress(done=done, total=100, kept=0, by_model=by_model)


def test_until_the_model_writes_it_is_as_was_expected() -> None:
    clock = StudyClock(expected=500.0, deadline=1000.0)
    assert clock.remaining(written(50, by_model=False), now=100.0) == 400.0
    assert clock.remaining(written(8), now=120.0) == 380.0
    assert clock.remaining(written(8), now=600.0) == 0.0


def test_then_it_is_as_fast_as_the_model() -> None:
    clock = StudyClock(expected=500.0, deadline=1000.0)
    clock.remaining(written(10), now=100.0)
    assert clock.remaining(written(20), now=150.0) == 400.0
    assert clock.remaining(written(100), now=550.0) == 0.0


def test_study_never_takes_more_than_its_time() -> None:
    clock = StudyClock(expected=5000.0, deadline=300.0)
    assert clock.remaining(written(10), now=100.0) == 200.0
    assert clock.remaining(written(11), now=200.0) == 100.0
