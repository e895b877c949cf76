from __future__ import annotations

from collections.abc import Callable

import pytest

from mlx_backend import locks
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.library import Library
from mlx_backend.night.resuming import interrupted_runs
from mlx_backend.protocol import (
    VERSION,
    CheckpointSaved,
    ErrorReport,
    Event,
    Failed,
    Finished,
    ImportSpec,
    Launched,
    StageBegan,
    Started,
    Stopped,
    TrainSpec,
    Waiting,
    encode_line,
)

NOW = 1_795_557_600.0
THEN = NOW - 3600

Make = Callable[..., JobFolder]


@pytest.fixture
def make(library: Library) -> Make:
    """Makes a run of which the given events are left, and no process."""

    def make(*events: Event, name: str = "Notes", run_id: str | None = None) -> JobFolder:
        folder = JobFolder.create(library.runs, TrainSpec(name=name, model="starter"), run_id)
        for event in events:
            folder.append(event)  # type: ignore[arg-type]
        return folder

    return make


def worked(at: float = THEN) -> tuple[Event, ...]:
    """What is left of a run whose process was killed while it worked."""
    return Launched(at=at), Started(pid=1, at=at), StageBegan(stage="training", at=at)


def ids(library: Library) -> list[str]:
    return [folder.id for folder in interrupted_runs(library, NOW)]


def test_runs_go_on_in_their_order(library: Library, make: Make) -> None:
    waiting = Waiting(reason="turn", text="", at=THEN)
    second = make(Launched(at=THEN), Started(pid=1, at=THEN), waiting, run_id="b")
    first = make(*worked(), run_id="a")
    assert ids(library) == [first.id, second.id]


@pytest.mark.parametrize(
    "last",
    [
        Stopped(step=3, at=THEN),
        Finished(result={}, at=THEN),
        Failed(error=ErrorReport(kind="internal", message=""), at=THEN),
    ],
)
def test_what_ended_in_order_stays_as_it_is(library: Library, make: Make, last: Event) -> None:
    make(*worked(), last)
    assert ids(library) == []


def test_a_run_of_a_newer_version_is_left_to_that(library: Library, make: Make) -> None:
    folder, other = make(*worked(), run_id="a"), make(*worked(), run_id="b")
    spec = TrainSpec(name="Notes", model="starter", v=VERSION + 1)
    (folder.path / "spec.json").write_bytes(encode_line(spec))
    assert ids(library) == [other.id]


def test_what_still_lives_is_left_alone(library: Library, make: Make) -> None:
    folder = make(*worked())
    with locks.held(folder.path / "lock"):
        assert ids(library) == []


def test_a_run_that_was_asked_to_stop_does_not_go_on(library: Library, make: Make) -> None:
    make(*worked()).request_stop()
    assert ids(library) == []


def test_a_paused_run_waits_on(library: Library, make: Make) -> None:
    folder = make(*worked(), Waiting(reason="paused", text="", at=THEN))
    folder.request_pause()
    assert ids(library) == [folder.id]
    assert folder.pause_requested()


def test_a_run_that_makes_the_machine_crash_is_given_up(library: Library, make: Make) -> None:
    make(*worked() * 3)
    assert ids(library) == []


def test_a_run_that_gets_further_may_be_cut_short_any_time(library: Library, make: Make) -> None:
    saved = CheckpointSaved(step=5, at=THEN)
    folder = make(*(*worked(), *worked(), saved) * 5, *worked())
    assert ids(library) == [folder.id]


def test_a_run_that_only_waited_may_be_cut_short_any_time(library: Library, make: Make) -> None:
    waited = (
        Launched(at=THEN),
        Started(pid=1, at=THEN),
        Waiting(reason="time", text="", at=THEN),
    )
    folder = make(*waited * 9)
    assert ids(library) == [folder.id]


def test_what_lies_there_for_weeks_is_not_begun_by_itself(library: Library, make: Make) -> None:
    make(*worked(NOW - 8 * 24 * 3600))
    assert ids(library) == []


def test_damaged_runs_and_other_jobs_are_passed_over(library: Library, make: Make) -> None:
    (make(*worked()).path / "spec.json").write_bytes(b"{")
    make(*worked()).events_path.write_bytes(b"\xff\n")
    JobFolder.create(library.runs, ImportSpec(paths=("/notes",)))
    assert ids(library) == []
