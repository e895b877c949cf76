"""A whole run in this process, on the tiny model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
import pytest

from mlx_backend import locks, protocol
from mlx_backend.dataset.samples import Sample, save_dataset
from mlx_backend.errors import ErrorKind
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library, database
from mlx_backend.library.adapter_names import LONGEST_NAME
from mlx_backend.library.adapters import WEIGHTS, list_adapters, read_adapter
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.protocol import AdapterKind, TrainSpec
from mlx_backend.run import plan_stage
from mlx_backend.run import training_run as run_module
from mlx_backend.run.plan import RunPlan, plan_what_fits
from mlx_backend.run.preparation import Preparation
from tests.mlx_backend.run.whole_run import Start, expect, work
from tests.mlx_backend.studied import make_dataset


def test_notes_become_an_adapter(
    filled_library: Library, notes: Notes, start: Start, spec: TrainSpec
) -> None:
    folder = start(spec)
    result = work(filled_library, folder)
    assert result is not None
    adapter = read_adapter(filled_library.adapters, "Garden")
    assert result["adapter"] == "Garden"
    assert result["steps"] == adapter.card.steps == 8
    assert result["ended"] == "all steps"
    assert isinstance(result["passes"], float)
    assert adapter.card.base == "tiny"
    assert adapter.card.run == folder.id
    assert adapter.card.notes == 3
    assert adapter.card.valid_loss is not None
    assert adapter.card.base_valid_loss is not None
    assert adapter.card.valid_loss < adapter.card.base_valid_loss
    report = msgspec.json.decode((folder.path / "report.json").read_bytes())
    assert report["valid_loss"] == result["valid_loss"]
    assert report["exam_asked"] == len(report["exam"]) > 0
    assert report["exam_after"] == sum(each["right_after"] for each in report["exam"])
    assert {summary.status for summary in notes.summaries()} == {"learned"}
    stages = [e.stage for e in folder.reader().read_new() if isinstance(e, protocol.StageBegan)]
    assert stages == ["studying", "preparing", "training", "saving", "checking"]
    assert not locks.is_held(filled_library.lane)


def test_the_best_state_is_chosen_by_questions_that_the_exam_does_not_ask(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    folder = start(msgspec.structs.replace(spec, steps=4))
    with database.opened(filled_library.database) as connection:
        dataset = make_dataset(Notes(connection), spec.seed)
    (first, *_) = dataset.held_out
    choosing = tuple(msgspec.structs.replace(first, prompt=f"Question {i}?") for i in range(8))
    save_dataset(folder.path / "samples.json", msgspec.structs.replace(dataset, choosing=choosing))
    result = work(filled_library, folder)
    assert result is not None
    assert any("of 8 questions that choose" in text for text in folder.status().notices)
    asked = {each["question"] for each in result["exam"]}  # type: ignore[attr-defined]
    assert asked == {sample.prompt for sample in dataset.held_out if sample.key}
    plan = msgspec.json.decode((folder.path / "plan.json").read_bytes())
    assert plan["choosing"] == 8


def test_the_time_ends_a_run_on_a_machine_that_got_slower(
    filled_library: Library, start: Start, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan_too_much(*given: Any) -> tuple[RunPlan, Preparation]:
        plan, preparation = plan_what_fits(*given)
        return msgspec.structs.replace(plan, steps=8), preparation

    monkeypatch.setattr(plan_stage, "plan_what_fits", plan_too_much)
    folder = start(msgspec.structs.replace(spec, steps=None, hours=1e-9))
    result = work(filled_library, folder)
    assert result is not None
    assert result["steps"] == 1
    *_, notice = folder.status().notices
    assert "after step 1 of 8" in notice


def test_a_name_taken_meanwhile_gets_a_number(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    names = []
    for _ in range(3):
        result = work(filled_library, start(msgspec.structs.replace(spec, steps=1)))
        assert result is not None
        names.append(result["adapter"])
    assert names == ["Garden", "Garden 2", "Garden 3"]


def test_an_adapter_that_learned_nothing_is_not_filed(
    filled_library: Library, notes: Notes, start: Start, spec: TrainSpec
) -> None:
    expect(
        ErrorKind.NO_LEARNING,
        filled_library,
        start(msgspec.structs.replace(spec, learning_rate=0.0)),
    )
    assert list(filled_library.adapters.iterdir()) == []
    assert {summary.status for summary in notes.summaries()} == {"new"}


def test_a_rate_far_too_high_is_a_typed_error(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    expect(
        ErrorKind.NO_LEARNING,
        filled_library,
        start(msgspec.structs.replace(spec, learning_rate=1e30)),
    )
    assert list_adapters(filled_library.adapters) == []


def test_two_runs_do_not_train_at_once(
    filled_library: Library, start: Start, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "_LANE_PATIENCE_S", 0.05)
    with locks.held(filled_library.lane):
        expect(ErrorKind.BUSY, filled_library, start(spec))


def test_without_notes(tiny_library: Library, spec: TrainSpec) -> None:
    expect(ErrorKind.NO_NOTES, tiny_library, JobFolder.create(tiny_library.runs, spec))


def test_without_the_model(filled_library: Library, start: Start, spec: TrainSpec) -> None:
    expect(
        ErrorKind.MODEL_UNKNOWN,
        filled_library,
        start(msgspec.structs.replace(spec, model="nobody")),
    )


def test_from_an_unknown_adapter(filled_library: Library, start: Start, spec: TrainSpec) -> None:
    asked = msgspec.structs.replace(spec, start_from="nobody")
    expect(ErrorKind.ADAPTER_UNKNOWN, filled_library, start(asked))


@pytest.mark.parametrize("file", ["samples.json", "plan.json"])
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"train": "\xff"}'])
def test_a_damaged_file_of_the_run_is_a_typed_error(
    filled_library: Library, start: Start, spec: TrainSpec, file: str, data: bytes
) -> None:
    folder = start(spec)
    work(filled_library, folder, lambda: True)
    (folder.path / file).write_bytes(data)
    expect(ErrorKind.RUN_UNKNOWN, filled_library, folder)


@pytest.mark.parametrize(
    "text",
    ["hello", "!!! ???", "x" * 5000, f"# {'title ' * 3000}\n\nA short sentence about it."],
    ids=["a word", "signs", "a giant word", "a giant title"],
)
def test_notes_with_little_to_learn(
    tiny_library: Library, notes: Notes, tmp_path: Path, spec: TrainSpec, text: str
) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "note.md").write_text(text)
    import_into(tiny_library, [tmp_path / "odd"])
    every_note = [note.id for note in notes.summaries()]
    NoteDecisions(notes.connection).decide(every_note, included=True)  # curation would not
    folder = JobFolder.create(tiny_library.runs, msgspec.structs.replace(spec, steps=2))
    result = work(tiny_library, folder)
    assert result is not None
    assert result["valid_loss"] is None


def test_the_longest_name_leaves_room_for_a_number(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    long = msgspec.structs.replace(spec, name="n" * LONGEST_NAME, steps=1)
    names = []
    for _ in range(2):
        result = work(filled_library, start(long))
        assert result is not None
        names.append(str(result["adapter"]))
    assert names == ["n" * LONGEST_NAME, "n" * (LONGEST_NAME - 2) + " 2"]
    assert read_adapter(filled_library.adapters, names[1]).card.name == names[1]


def test_only_notes_that_were_seen_count_as_learned(
    filled_library: Library, notes: Notes, start: Start, spec: TrainSpec, notes_folder: Path
) -> None:
    for number in range(30):
        text = f"The {number}th keeper painted the {number}th lamp green. " * 5
        (notes_folder / f"{number}.md").write_text(text)
    import_into(filled_library, [notes_folder])
    result = work(filled_library, start(msgspec.structs.replace(spec, steps=1)))
    assert result is not None
    learned = [note for note in notes.summaries() if note.status == "learned"]
    assert 0 < len(learned) < notes.totals().notes
    assert result["notes"] == len(learned)


@pytest.mark.parametrize("kind", ["dora", "rslora"])
def test_other_kinds_of_adapter_are_trained_and_filed(
    filled_library: Library, start: Start, spec: TrainSpec, kind: AdapterKind
) -> None:
    result = work(filled_library, start(msgspec.structs.replace(spec, kind=kind, dropout=0.0)))
    assert result is not None
    (adapter,) = list_adapters(filled_library.adapters)
    assert adapter.card.decomposed == (kind == "dora")
    assert adapter.card.scale == pytest.approx(2.0 if kind == "dora" else 4.0)


def test_the_report_lists_what_could_not_be_learned(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    folder = start(spec)
    with database.opened(filled_library.database) as connection:
        dataset = make_dataset(Notes(connection), spec.seed)
    endless = Sample("word " * 3000, "answer", dataset.train[0].note, 1, "passage")
    long = Sample("What?", "word " * 3000, dataset.train[0].note, 1, "passage")
    empty = Sample("", "", dataset.train[0].note, 1, "passage")
    own = [sample for sample in dataset.train if sample.kind == "keywords"]
    train = (*own, endless, long, empty)
    save_dataset(folder.path / "samples.json", msgspec.structs.replace(dataset, train=train))
    result = work(filled_library, folder)
    assert result is not None
    assert [each["prompt"] for each in result["cut"]] == ["What?"]  # type: ignore[attr-defined]
    assert endless.prompt in [each["prompt"] for each in result["unlearnable"]]  # type: ignore[attr-defined]
    assert any("nothing to learn" in notice for notice in folder.status().notices)
    (adapter,) = list_adapters(filled_library.adapters)
    assert all(bool(mx.isfinite(a).all()) for a in load_tensors(adapter.path / WEIGHTS).values())
