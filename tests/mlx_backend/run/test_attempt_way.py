"""Which way of saving memory an attempt takes, with its plan, without it, and after bad ends."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.memory_ladder import (
    MemoryWay,
    read_limit,
    read_way,
    thriftier,
    ways_from,
    write_way,
)
from mlx_backend.library import Library
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from mlx_backend.protocol import TrainSpec
from mlx_backend.run import plan_stage
from mlx_backend.run.assessment import assess_once
from mlx_backend.run.frozen import FrozenFiles
from mlx_backend.run.plan import RunPlan, make_plan
from mlx_backend.run.preparation import prepare_another_way, seen_samples, way_at_start
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.run.whole_run import Start, work


@pytest.fixture
def spec(spec: TrainSpec) -> TrainSpec:
    """Without dropout, so that there are several ways."""
    return msgspec.structs.replace(spec, dropout=0.0, steps=4, checkpoint_every=2)


@pytest.fixture
def folder(start: Start, spec: TrainSpec) -> JobFolder:
    return start(spec)


@pytest.fixture
def short_of_memory(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As if a training fitted only one way below the one in which the plan begins."""

    def plan(spec: Any, dataset: Any, preparation: Any, deadline: Any, check: Any) -> Any:
        way = thriftier(preparation.way, spec.dropout)
        assert way is not None
        slower = prepare_another_way(preparation, spec, dataset, way)
        return make_plan(spec, dataset, slower, deadline, check), slower

    monkeypatch.setattr(plan_stage, "plan_what_fits", plan)
    return monkeypatch


def stop_at(library: Library, folder: JobFolder, step: int) -> None:
    """Let a run go on up to this step."""
    status = folder.status
    stop = lambda: status().stage == "training" and status().step >= step  # noqa: E731
    assert work(library, folder, stop) is None


def plan_of(folder: JobFolder) -> RunPlan:
    plan = FrozenFiles(folder).plan()
    assert plan is not None
    return plan


def ways_of(folder: JobFolder) -> tuple[MemoryWay, ...]:
    """From the one in which the run begins to the one that takes the least memory."""
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    return ways_from(way_at_start(spec), spec.dropout)


def leave_out_a_note(library: Library, notes: Notes, folder: JobFolder) -> None:
    """Leave out a note that the run has learned, where it has learned any."""
    spec, dataset = folder.spec(), FrozenFiles(folder).dataset()
    assert isinstance(spec, TrainSpec)
    assert dataset is not None
    steps, (first, *_) = folder.newest_checkpoint() or 1, ways_of(folder)
    seen = seen_samples(library, spec, dataset, first, steps)
    note = next(dataset.train[i].note for i in sorted(seen) if dataset.train[i].note)
    NoteDecisions(notes.connection).decide([note], included=False)


@pytest.mark.parametrize("step", [0, 2], ids=["before the first step", "learned"])
@pytest.mark.parametrize("ended_badly", [False, True])
def test_a_run_that_begins_anew_is_as_fast_as_its_bad_ends_allow(
    filled_library: Library,
    notes: Notes,
    folder: JobFolder,
    short_of_memory: pytest.MonkeyPatch,
    step: int,
    ended_badly: bool,
) -> None:
    first, planned, below, *_ = ways_of(folder)
    stop_at(filled_library, folder, step)
    assert (plan_of(folder).memory_way, read_limit(folder)) == (planned, None)
    if ended_badly:
        write_way(folder, below)
    short_of_memory.undo()
    leave_out_a_note(filled_library, notes, folder)
    assert work(filled_library, folder) is not None
    expected = below if ended_badly else first
    assert plan_of(folder).memory_way == expected
    assert read_way(folder) == expected


def test_bad_ends_of_the_study_of_a_run_that_begins_anew_count_from_the_first_way(
    filled_library: Library,
    notes: Notes,
    folder: JobFolder,
    short_of_memory: pytest.MonkeyPatch,
) -> None:
    stop_at(filled_library, folder, 2)
    leave_out_a_note(filled_library, notes, folder)
    stop = lambda: folder.status().stage == "studying"  # noqa: E731
    assert work(filled_library, folder, stop) is None
    assert not (folder.path / "plan.json").exists()
    assert read_way(folder) == ways_of(folder)[0]


def kill(*given: Any) -> None:
    raise StoppedEarly


def test_a_kill_before_the_plan_is_written_leaves_all_ways_to_the_next_attempt(
    filled_library: Library,
    folder: JobFolder,
    short_of_memory: pytest.MonkeyPatch,
) -> None:
    short_of_memory.setattr(FrozenFiles, "save_plan", kill)
    assert work(filled_library, folder) is None
    short_of_memory.undo()
    stop_at(filled_library, folder, 0)
    assert plan_of(folder).memory_way == ways_of(folder)[0]


def test_a_kill_after_the_plan_is_written_loses_nothing(
    filled_library: Library,
    folder: JobFolder,
    short_of_memory: pytest.MonkeyPatch,
) -> None:
    short_of_memory.setattr(plan_stage, "write_computed_way", kill)
    assert work(filled_library, folder) is None
    short_of_memory.undo()
    stop_at(filled_library, folder, 0)
    assert read_way(folder) == plan_of(folder).memory_way == ways_of(folder)[1]


@pytest.mark.parametrize("ended_badly", [False, True])
def test_the_one_file_of_versions_between_is_a_limit_only_after_bad_ends(
    filled_library: Library,
    notes: Notes,
    folder: JobFolder,
    short_of_memory: pytest.MonkeyPatch,
    ended_badly: bool,
) -> None:
    first, planned, below, *_ = ways_of(folder)
    stop_at(filled_library, folder, 2)
    (folder.path / "computed_way.json").unlink()
    write_way(folder, below if ended_badly else planned)
    short_of_memory.undo()
    stop_at(filled_library, folder, 2)
    assert read_way(folder) == (below if ended_badly else planned)
    leave_out_a_note(filled_library, notes, folder)
    stop_at(filled_library, folder, 0)
    assert read_way(folder) == (below if ended_badly else first)


def test_a_resumed_run_tells_its_plan_before_it_is_assessed(
    filled_library: Library, folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(filled_library, folder, 2)
    told: list[int] = []
    real = assess_once

    def assess(*given: Any, **named: Any) -> Any:
        events = folder.reader().read_new()
        told.append(sum(isinstance(event, protocol.Planned) for event in events))
        return real(*given, **named)

    monkeypatch.setattr(plan_stage, "assess_once", assess)
    assert work(filled_library, folder) is not None
    assert told == [2]
    events = folder.reader().read_new()
    assert sum(isinstance(event, protocol.Planned) for event in events) == 2
