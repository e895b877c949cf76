from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.night.overtime import grant_time, keep_time_granted, with_time_granted
from mlx_backend.protocol import (
    ImportSpec,
    JobEvent,
    Launched,
    Notice,
    StageBegan,
    Started,
    StepDone,
    TrainSpec,
)

EVENING = 1_795_557_600.0
HOUR = 3600.0
MORNING = EVENING + 8 * HOUR
NOON = EVENING + 14 * HOUR
SPEC = TrainSpec(name="Garden", model="tiny", hours=5.0, finish_by=MORNING)

Run = Callable[..., JobFolder]


def step(number: int, elapsed_s: float) -> StepDone:
    return StepDone(
        step=number,
        steps=100,
        loss=1.0,
        learning_rate=1e-3,
        tokens_per_second=100.0,
        peak_bytes=1,
        elapsed_s=elapsed_s,
        remaining_s=0.0,
    )


@pytest.fixture
def run(library: Library) -> Run:
    """A run that was cut short after these events, and had saved at `saved`."""

    def make(*events: JobEvent, spec: TrainSpec = SPEC, saved: int | None = None) -> JobFolder:
        folder = JobFolder.create(library.runs, spec)
        for event in (Launched(at=EVENING), Started(at=EVENING, pid=1), *events):
            folder.append(event)
        if saved is not None:
            (folder.checkpoints / f"step-{saved:06d}").mkdir(parents=True)
        return folder

    return make


def end_at(folder: JobFolder, begins: float) -> float | None:
    return with_time_granted(folder, SPEC, begins).finish_by


def notices(folder: JobFolder) -> list[str]:
    return [event.text for event in folder.reader().read_new() if isinstance(event, Notice)]


def test_it_goes_on_for_the_time_that_it_had_left(run: Run) -> None:
    folder = run(
        StageBegan(at=EVENING + HOUR, stage="studying"),
        step(40, 2 * HOUR),
        step(60, 3 * HOUR),  # after the last checkpoint: it is done again
        saved=50,
    )
    folder.study_record.write_bytes(b'{"seconds": 1800, "written": 3}')
    folder.preparing_record.write_bytes(b'{"seconds": 900}')
    grant_time(folder, NOON)
    assert end_at(folder, NOON + 60) == NOON + 60 + 7 * HOUR - 2.75 * HOUR
    assert with_time_granted(folder, SPEC).hours == SPEC.hours  # those count as they always do
    (notice,) = notices(folder)
    assert "which is over" in notice
    assert "time that it had left" in notice


def test_the_end_stays_once_it_goes_on(run: Run) -> None:
    folder = run(StageBegan(at=EVENING, stage="studying"), saved=10)
    grant_time(folder, NOON)
    first = end_at(folder, NOON)
    grant_time(folder, NOON + HOUR)  # as for a pause on the way
    assert end_at(folder, NOON + HOUR) == first
    assert len(notices(folder)) == 1


def test_what_it_waits_for_memory_does_not_count(run: Run) -> None:
    folder = run(StageBegan(at=EVENING, stage="studying"), step(50, HOUR), saved=50)
    keep_time_granted(folder, NOON)
    assert end_at(folder, NOON) == MORNING  # nothing was granted
    grant_time(folder, NOON)
    keep_time_granted(folder, NOON)
    assert end_at(folder, NOON + HOUR) == NOON + 8 * HOUR
    keep_time_granted(folder, NOON + 3 * HOUR)
    grant_time(folder, NOON + 3 * HOUR)
    assert end_at(folder, NOON + 20 * HOUR) == NOON + 25 * HOUR


def test_time_that_is_used_up_is_not_kept(run: Run) -> None:
    folder = run(StageBegan(at=EVENING, stage="studying"), step(50, HOUR), saved=50)
    grant_time(folder, NOON)
    end = end_at(folder, NOON)
    keep_time_granted(folder, NOON + 7 * HOUR)
    assert end_at(folder, NOON + 8 * HOUR) == end


def test_who_lets_it_go_on_again_still_later_is_heard(run: Run) -> None:
    folder = run(StageBegan(at=EVENING, stage="studying"), step(50, HOUR), saved=50)
    grant_time(folder, NOON)
    assert end_at(folder, NOON) == NOON + 7 * HOUR
    folder.append(StageBegan(at=NOON, stage="preparing"))
    folder.append(step(80, 6 * HOUR))
    (folder.checkpoints / "step-000080").mkdir()
    grant_time(folder, NOON + 10 * HOUR)
    assert end_at(folder, NOON + 10 * HOUR) == NOON + 12 * HOUR


def test_one_that_has_learned_nothing_gets_all_of_its_time(run: Run) -> None:
    folder = run(StageBegan(at=EVENING + HOUR, stage="studying"), saved=0)
    folder.study_record.write_bytes(b'{"seconds": 1800}')
    grant_time(folder, NOON)
    assert end_at(folder, NOON) == NOON + 7 * HOUR


def test_one_that_never_began_gets_the_time_from_its_start(run: Run) -> None:
    spec = msgspec.structs.replace(SPEC, start_at=EVENING + 2 * HOUR)
    folder = run(spec=spec)
    grant_time(folder, NOON)
    assert end_at(folder, NOON) == NOON + 6 * HOUR


def test_one_that_has_used_its_time_gets_none(run: Run) -> None:
    folder = run(StageBegan(at=EVENING, stage="studying"), step(50, 9 * HOUR), saved=50)
    grant_time(folder, NOON)
    assert end_at(folder, NOON) == MORNING
    assert notices(folder) == []


def test_an_end_that_is_still_to_come_stays(run: Run) -> None:
    folder = run(StageBegan(at=EVENING, stage="studying"), saved=5)
    grant_time(folder, MORNING - 1)
    assert end_at(folder, MORNING - 1) == MORNING


def test_what_goes_on_by_itself_gets_none(run: Run) -> None:
    folder = run(StageBegan(at=EVENING, stage="studying"), saved=5)
    assert end_at(folder, NOON) == MORNING
    assert notices(folder) == []


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]", b'{"left": "long"}'])
def test_a_damaged_file_grants_nothing_and_is_written_again(run: Run, damage: bytes) -> None:
    folder = run(StageBegan(at=EVENING, stage="studying"), saved=5)
    (folder.path / "overtime.json").write_bytes(damage)
    assert end_at(folder, NOON) == MORNING
    grant_time(folder, NOON)
    assert end_at(folder, NOON) == NOON + 8 * HOUR


def test_what_has_no_end_needs_no_time(library: Library, run: Run) -> None:
    for folder in (
        run(spec=msgspec.structs.replace(SPEC, finish_by=None)),
        JobFolder.create(library.jobs, ImportSpec(paths=("/notes",))),
    ):
        grant_time(folder, NOON)
        assert not (folder.path / "overtime.json").exists()
