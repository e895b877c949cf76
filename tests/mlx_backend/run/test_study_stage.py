from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.dataset import general_samples
from mlx_backend.dataset.general_samples import GENERAL_ANSWERS
from mlx_backend.dataset.samples import load_dataset
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library, database
from mlx_backend.library.bin import Bin
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from mlx_backend.night.shares import Budget, answering_s, budget_of
from mlx_backend.protocol import TrainSpec
from mlx_backend.run import study_stage
from mlx_backend.run.study_stage import Studied, studied_before
from mlx_backend.run.training_run import TrainingRun
from mlx_backend.study.study import StudyPlan
from tests.mlx_backend.tiny import write_tiny_model


def sample_ids(library: Library) -> set[int]:
    with database.opened(library.database) as connection:
        return {row["id"] for row in connection.execute("SELECT id FROM samples")}


def test_stopped_while_it_studies_a_run_repeats_nothing(
    filled_library: Library, spec: TrainSpec
) -> None:
    folder = JobFolder.create(filled_library.runs, spec)
    run = TrainingRun(filled_library, folder, spec)
    assert run.run(lambda: folder.status().stage == "studying") is None
    assert not (folder.path / "samples.json").exists()
    before = sample_ids(filled_library)
    assert before
    result = TrainingRun(filled_library, folder, spec).run(lambda: False)
    assert result is not None
    assert before <= sample_ids(filled_library)
    assert result["study_used"] == studied_before(folder).used > 0


def test_what_study_brought_is_told(filled_library: Library, spec: TrainSpec) -> None:
    folder = JobFolder.create(filled_library.runs, spec)
    result = TrainingRun(filled_library, folder, spec).run(lambda: False)
    assert result is not None
    assert result["study_written"] == result["study_used"] + sum(result["study_dropped"].values())  # type: ignore[attr-defined, operator]
    assert result["recipe"] in {"what they say", "how you write", "what they say and how you write"}
    assert any(
        notice.startswith("There are ") and "of them kept" in notice
        for notice in folder.status().notices
    )
    events = list(folder.reader().read_new())
    assert any(isinstance(e, protocol.Progress) and e.unit == "passages" for e in events)
    stage = ""
    for event in events:
        if isinstance(event, protocol.StageBegan):
            stage = event.stage
        elif isinstance(event, protocol.Progress) and stage in ("studying", "checking"):
            assert event.remaining_s is not None, "who waits knows for how long"
            assert event.remaining_s >= 0
    assert stage == "checking"


def test_the_first_run_of_a_model_tells_of_its_general_answers(
    filled_library: Library, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(filled_library.models / "new", "new")
    (filled_library.models / "new" / GENERAL_ANSWERS).unlink()
    monkeypatch.setattr(general_samples, "LONGEST_ANSWER", 2)
    first, second = (
        _studied(filled_library, msgspec.structs.replace(spec, model="new")) for _ in range(2)
    )
    assert first.stages == ["studying", "answering", "preparing"], "the notes come first"
    assert first.answers[-1].done == first.answers[-1].total
    assert first.answers[1].remaining_s is not None
    assert second.stages == ["studying", "preparing"]
    assert not second.answers


def test_general_answers_take_nothing_from_the_notes_and_wait_where_time_is_short(
    filled_library: Library, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(filled_library.models / "new", "new")
    answers = filled_library.models / "new" / GENERAL_ANSWERS
    answers.unlink()
    no_time = Budget(study=600.0, general=0.0, measuring=0.0, reserve=0.0)
    monkeypatch.setattr(study_stage, "budget", lambda *_: no_time)
    asked = msgspec.structs.replace(spec, model="new")
    folder = JobFolder.create(filled_library.runs, asked)
    TrainingRun(filled_library, folder, asked).run(lambda: folder.status().stage == "preparing")
    assert not answers.exists()
    dataset = load_dataset(folder.path / "samples.json")
    assert dataset.train
    assert "general" not in {sample.kind for sample in dataset.train}
    with database.opened(filled_library.database) as connection:
        writers = connection.execute("SELECT DISTINCT writer FROM studied").fetchall()
    assert {row["writer"] for row in writers} == {"rules", "new"}


def test_what_general_answers_took_does_not_count_as_study(
    filled_library: Library, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a run that was stopped while it answered would write nothing about the notes."""
    folder = _studied_for(filled_library, spec, Studied(seconds=5000.0, answering_s=4990.0))
    seen = []

    def watched(*given: Any) -> StudyPlan:
        seen.append(StudyPlan(*given))
        return seen[-1]

    monkeypatch.setattr(study_stage, "StudyPlan", watched)
    began = time.time()
    TrainingRun(filled_library, folder, spec).run(lambda: folder.status().stage == "preparing")
    (plan,) = seen
    assert plan.deadline is not None
    assert plan.deadline - began > budget_of(None).study - 20
    assert studied_before(folder).answering_s >= 4990.0


def test_general_answers_are_told_what_study_took_in_all_attempts(
    filled_library: Library, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _studied_for(filled_library, spec, Studied(seconds=700.0, answering_s=300.0))
    seen: list[float] = []

    def watched(budget: Budget, study_took: float) -> float:
        seen.append(study_took)
        return answering_s(budget, study_took)

    monkeypatch.setattr(study_stage, "answering_s", watched)
    TrainingRun(filled_library, folder, spec).run(lambda: folder.status().stage == "preparing")
    assert [400.0 <= took < 700.0 for took in seen] == [True]


def _studied_for(library: Library, spec: TrainSpec, record: Studied) -> JobFolder:
    """A run that studied before, as its record says."""
    folder = JobFolder.create(library.runs, spec)
    folder.study_record.write_bytes(msgspec.json.encode(record))
    return folder


@dataclass(frozen=True)
class _Told:
    stages: list[str]
    answers: list[protocol.Progress]


def _studied(library: Library, spec: TrainSpec) -> _Told:
    """What a run tells until it has studied."""
    folder = JobFolder.create(library.runs, spec)
    TrainingRun(library, folder, spec).run(lambda: folder.status().stage == "preparing")
    events = folder.reader().read_new()
    return _Told(
        [event.stage for event in events if isinstance(event, protocol.StageBegan)],
        [e for e in events if isinstance(e, protocol.Progress) and e.unit == "answers"],
    )


def test_without_study_the_text_is_trained_as_it_stands(
    filled_library: Library, spec: TrainSpec
) -> None:
    plain = msgspec.structs.replace(spec, study=False)
    folder = JobFolder.create(filled_library.runs, plain)
    assert TrainingRun(filled_library, folder, plain).run(lambda: False) is not None
    kinds = {sample.kind for sample in load_dataset(folder.path / "samples.json").train}
    assert kinds <= {"passage", "reply"}
    assert sample_ids(filled_library) == set()


def test_the_next_run_writes_nothing_again(filled_library: Library, spec: TrainSpec) -> None:
    found = []
    for name in ("One", "Two"):
        named = msgspec.structs.replace(spec, name=name, steps=1)
        folder = JobFolder.create(filled_library.runs, named)
        assert TrainingRun(filled_library, folder, named).run(lambda: False) is not None
        found.append(sample_ids(filled_library))
    assert found[0] == found[1]


@pytest.mark.parametrize("how", ["deleted", "left out"])
def test_a_note_that_is_taken_out_during_study_is_not_trained(
    filled_library: Library, spec: TrainSpec, how: str
) -> None:
    folder = JobFolder.create(filled_library.runs, spec)
    with database.opened(filled_library.database) as connection:
        doomed = Notes(connection).summaries()[0].id
        waste = Bin(filled_library, connection)

        def take_out_and_go_on() -> bool:
            if folder.status().stage == "studying":
                if how == "deleted":
                    waste.delete_notes([doomed])
                else:
                    NoteDecisions(connection).decide([doomed], included=False)
            return False

        assert TrainingRun(filled_library, folder, spec).run(take_out_and_go_on) is not None
        assert len(waste.items()) == (how == "deleted")
    dataset = load_dataset(folder.path / "samples.json")
    assert doomed not in dataset.versions
    assert doomed not in {sample.note for sample in (*dataset.train, *dataset.held_out)}
