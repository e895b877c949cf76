"""What preparing takes counts against the hours of a run, however the run ends."""

from __future__ import annotations

import time
from types import SimpleNamespace

import msgspec
import pytest

from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec
from mlx_backend.run import preparing_clock
from mlx_backend.run.context import RunContext
from mlx_backend.run.preparing_clock import PreparingClock, prepared_before
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.run.whole_run import Start, work


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(preparing_clock, "time", SimpleNamespace(time=clock.time))
    return clock


def attempt(library: Library, folder: JobFolder, clock: Clock, hours: float) -> RunContext:
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    return RunContext(
        library=library,
        folder=folder,
        spec=msgspec.structs.replace(spec, hours=hours),
        crew=None,
        began=clock.now,
        studied_s=0.0,
        preparing=PreparingClock(folder),
        stop_requested=lambda: False,
    )


def left_s(run: RunContext, clock: Clock) -> float:
    end = run.deadline(0.0)
    assert end is not None
    return end - clock.now


def test_a_night_killed_after_an_hour_of_teaching_does_not_get_that_hour_again(
    filled_library: Library, start: Start, spec: TrainSpec, clock: Clock
) -> None:
    folder = start(spec)
    first = attempt(filled_library, folder, clock, hours=8)
    whole = left_s(first, clock)
    killed = first.preparing.counted()
    killed.__enter__()  # and never left, as where the process is killed
    for _ in range(360):
        clock.now += 10
        first.check()
    clock.now += 86_400  # between the attempts no time counts
    second = attempt(filled_library, folder, clock, hours=8)
    assert left_s(second, clock) == pytest.approx(whole - 3600)
    assert second.budget == first.budget
    with second.preparing.counted():
        clock.now += 60
    clock.now += 500
    second.check()  # what is after preparing is counted elsewhere
    assert prepared_before(folder).seconds == pytest.approx(3660)


def test_a_stop_records_what_was_spent_and_beginning_anew_forgets_it(
    filled_library: Library, start: Start, spec: TrainSpec, clock: Clock
) -> None:
    folder = start(spec)
    preparing = PreparingClock(folder)

    def stop() -> None:
        clock.now += 3
        raise StoppedEarly

    with pytest.raises(StoppedEarly), preparing.counted():
        stop()
    again = PreparingClock(folder)
    assert again.before_s == 3
    again.forget()
    assert (again.before_s, prepared_before(folder).seconds) == (0, 0)


def test_a_whole_run_records_it(filled_library: Library, start: Start, spec: TrainSpec) -> None:
    folder = start(spec)
    began = time.time()
    assert work(filled_library, folder, lambda: folder.status().step >= 2) is None
    assert 0 < prepared_before(folder).seconds < time.time() - began
    folder.preparing_record.write_text("damaged")
    assert work(filled_library, folder) is not None
