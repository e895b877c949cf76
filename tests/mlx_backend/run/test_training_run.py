"""A whole run in this process, on the tiny model."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
import pytest

from mlx_backend import locks, protocol
from mlx_backend.dataset.samples import Sample, save_dataset
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.memory_ladder import read_way, thriftier, write_way
from mlx_backend.library import Library, database
from mlx_backend.library.adapter_names import LONGEST_NAME
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.adapters import WEIGHTS, list_adapters, read_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.night.overtime import grant_time
from mlx_backend.protocol import AdapterKind, TrainSpec
from mlx_backend.run import plan as plan_module
from mlx_backend.run import plan_stage
from mlx_backend.run import room as room_module
from mlx_backend.run import training_run as run_module
from mlx_backend.run.plan import RunPlan, plan_what_fits
from mlx_backend.run.preparation import Preparation
from mlx_backend.run.process import outcome_of, train
from mlx_backend.run.training_run import TrainingRun
from mlx_backend.training.stopping import StoppedEarly
from tests.mlx_backend.arrays import bits
from tests.mlx_backend.studied import make_dataset

Start = Callable[..., JobFolder]


@pytest.fixture
def start(filled_library: Library) -> Start:
    """Makes a run's folder."""
    return lambda spec: JobFolder.create(filled_library.runs, spec)


def work(
    library: Library, folder: JobFolder, stop: Callable[[], bool] = lambda: False
) -> dict[str, object] | None:
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    return TrainingRun(library, folder, spec).run(stop)


def once_training(folder: JobFolder) -> Callable[[], bool]:
    """Asks a run to stop as soon as study is over."""
    return lambda: folder.status().stage == "training"


def factors(library: Library) -> dict[str, bytes]:
    """The adapter's exact numbers; their order in the file is MLX's affair."""
    return bits(load_tensors(library.adapters / "Garden" / WEIGHTS))


def expect(kind: ErrorKind, library: Library, folder: JobFolder) -> OvernightError:
    with pytest.raises(OvernightError) as caught:
        work(library, folder)
    assert caught.value.kind is kind
    assert caught.value.hint
    return caught.value


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


def test_a_run_cut_short_ends_with_the_same_file(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    work(filled_library, start(spec))
    whole = factors(filled_library)
    shutil.rmtree(filled_library.adapters / "Garden")
    folder = start(spec)
    for stop_at in (0, 2, 5):  # before the first step, and twice between checkpoints
        assert work(filled_library, folder, lambda n=stop_at: folder.status().step >= n) is None  # type: ignore[misc]
    assert work(filled_library, folder) is not None
    assert factors(filled_library) == whole


def hours_later(folder: JobFolder, hours: float) -> None:
    """Lets all that happened to a run, and its end, be so much longer ago."""
    events = folder.reader().read_new()
    moved = [msgspec.structs.replace(event, at=event.at - hours * 3600) for event in events]
    folder.events_path.write_bytes(b"".join(map(protocol.encode_line, moved)))
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    assert spec.finish_by is not None
    spec = msgspec.structs.replace(spec, finish_by=spec.finish_by - hours * 3600)
    (folder.path / "spec.json").write_bytes(protocol.encode_line(spec))


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_run_that_was_to_be_done_goes_on_only_by_hand(
    filled_library: Library, start: Start, spec: TrainSpec, by_hand: bool
) -> None:
    folder = start(msgspec.structs.replace(spec, finish_by=time.time() + 3600))
    assert train(folder, lambda: folder.status().step >= 4) is None
    hours_later(folder, 3)
    if by_hand:
        grant_time(folder)
    result = train(folder, lambda: False)
    assert result is not None
    assert result["steps"] == (8 if by_hand else 4)
    assert result["ended"] == ("all steps" if by_hand else "no time")
    said = "which is over. It goes on" if by_hand else "The time was over after step 4 of 8"
    assert any(said in text for text in folder.status().notices)


def test_time_that_is_granted_does_not_run_out_before_it_computes(
    filled_library: Library, start: Start, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def granted() -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode((folder.path / "overtime.json").read_bytes())
        return found

    folder = start(msgspec.structs.replace(spec, finish_by=time.time() + 3600))
    assert train(folder, lambda: folder.status().step >= 4) is None
    hours_later(folder, 3)
    grant_time(folder)
    left = granted()["left"]
    with locks.held(filled_library.lane, 0), monkeypatch.context() as patch:
        patch.setattr(run_module, "_LANE_PATIENCE_S", 0.0)
        assert isinstance(outcome_of(lambda: train(folder, lambda: False)), protocol.Failed)
    assert granted() == {"left": left, "finish_by": None}
    with monkeypatch.context() as patch:
        patch.setattr(room_module, "memory_available", lambda: 1000)
        assert isinstance(outcome_of(lambda: train(folder, lambda: False)), protocol.Waiting)
    assert granted()["finish_by"] is None
    assert 0 < granted()["left"] <= left
    result = train(folder, lambda: False)
    assert result is not None
    assert result["steps"] == 8


def test_a_run_that_learned_nothing_in_its_time_says_so_and_can_go_on(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    folder = start(msgspec.structs.replace(spec, finish_by=time.time() + 3600))
    assert train(folder, once_training(folder)) is None
    hours_later(folder, 3)
    with pytest.raises(OvernightError) as caught:
        train(folder, lambda: False)
    assert caught.value.kind is ErrorKind.RUN_STATE
    assert list_adapters(filled_library.adapters) == []
    grant_time(folder)
    result = train(folder, lambda: False)
    assert result is not None
    assert result["steps"] == 8


def test_what_is_filed_learns_no_more(
    filled_library: Library, start: Start, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_exam(*given: Any, **named: Any) -> Any:
        raise StoppedEarly

    folder = start(msgspec.structs.replace(spec, finish_by=time.time() + 3600))
    assert train(folder, lambda: folder.status().step >= 4) is None
    hours_later(folder, 3)
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "assess", no_exam)
        assert train(folder, lambda: False) is None
    grant_time(folder)
    result = train(folder, lambda: False)
    assert result is not None
    assert result["steps"] == 4
    assert result["ended"] == "no time"


def test_what_is_filed_is_judged_though_its_checkpoints_are_lost(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    whole = work(filled_library, start(spec))
    folder = start(msgspec.structs.replace(spec, name="Again"))
    assert work(filled_library, folder, lambda: folder.status().stage == "checking") is None
    shutil.rmtree(folder.checkpoints)
    result = work(filled_library, folder)
    assert whole is not None
    assert result is not None
    alike = ("steps", "valid_loss", "style_after", "exam", "perplexity_after")
    assert [result[field] for field in alike] == [whole[field] for field in alike]


def test_a_run_waits_for_memory_at_its_start_and_when_it_goes_on(
    filled_library: Library, start: Start, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = start(spec)

    def needs() -> int:
        """What it waits for, with hardly any memory free."""
        with monkeypatch.context() as patch:
            patch.setattr(plan_module, "memory_available", lambda: 1000)
            patch.setattr(room_module, "memory_available", lambda: 1000)
            end = outcome_of(lambda: work(filled_library, folder))
        assert isinstance(end, protocol.Waiting), end
        assert end.reason == "memory"
        return end.needed_bytes

    least = needs()
    assert not (folder.path / "plan.json").exists()  # a plan for too little memory is none
    assert work(filled_library, folder, lambda: folder.status().step >= 2) is None
    assert least <= needs()
    assert work(filled_library, folder) is not None


def test_what_learns_no_more_waits_for_no_memory(
    filled_library: Library, start: Start, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = start(msgspec.structs.replace(spec, finish_by=time.time() + 3600))
    assert train(folder, lambda: folder.status().step >= 4) is None
    monkeypatch.setattr(room_module, "memory_available", lambda: 1000)
    waiting = outcome_of(lambda: train(folder, lambda: False))
    assert isinstance(waiting, protocol.Waiting)
    assert waiting.could_take_less
    hours_later(folder, 3)
    assert train(folder, lambda: folder.status().stage == "checking") is None
    assert [adapter.card.steps for adapter in list_adapters(filled_library.adapters)] == [4]
    grant_time(folder)  # what is filed already learns no more, either
    assert train(folder, lambda: False) is not None


def test_a_run_that_waits_for_nothing_fails_for_want_of_memory(
    filled_library: Library, start: Start, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "memory_available", lambda: 1000)
    folder = start(msgspec.structs.replace(spec, patience=protocol.NO_PATIENCE))
    error = expect(ErrorKind.NO_MEMORY, filled_library, folder)
    assert "are free" in error.message


@pytest.mark.parametrize("work_name", ["prepare", "assess_once", "plan_what_fits", "assess"])
def test_a_stop_is_heard_while_it_measures(
    filled_library: Library,
    start: Start,
    spec: TrainSpec,
    monkeypatch: pytest.MonkeyPatch,
    work_name: str,
) -> None:
    def forget_what_is_kept() -> None:
        # Other tests have the model's folder, too; in other batches the last bits are others.
        for kept in ("general_probe.json", "general_targets.npz"):
            (filled_library.models / "tiny" / kept).unlink(missing_ok=True)

    forget_what_is_kept()
    work(filled_library, start(spec))
    whole = factors(filled_library)
    shutil.rmtree(filled_library.adapters / "Garden")
    forget_what_is_kept()
    folder, asked = start(spec), []
    module = run_module if work_name == "assess" else plan_stage
    real = getattr(module, work_name)

    def ask_to_stop(*given: Any, **named: Any) -> Any:
        asked.append(work_name)
        return real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(module, work_name, ask_to_stop)
        assert work(filled_library, folder, lambda: bool(asked)) is None
    assert asked == [work_name]
    assert (folder.path / "plan.json").exists() == (work_name == "assess")
    result = work(filled_library, folder)
    assert result is not None
    assert result["exam_asked"]
    assert factors(filled_library) == whole
    assert len(list_adapters(filled_library.adapters)) == 1


def test_a_run_killed_before_its_first_checkpoint_ends_with_the_same_file(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    work(filled_library, start(spec))
    whole = factors(filled_library)
    shutil.rmtree(filled_library.adapters / "Garden")
    folder = start(spec)
    work(filled_library, folder, once_training(folder))
    shutil.rmtree(folder.checkpoints)
    work(filled_library, folder)
    assert factors(filled_library) == whole


def test_a_resumed_run_keeps_the_samples_it_began_with(
    filled_library: Library, notes_folder: Path, start: Start, spec: TrainSpec
) -> None:
    folder = start(spec)
    work(filled_library, folder, once_training(folder))
    before = (folder.path / "samples.json").read_bytes()
    (notes_folder / "new.md").write_text("A new note that comes too late for this run.")
    import_into(filled_library, [notes_folder])
    result = work(filled_library, folder)
    assert result is not None
    assert result["notes"] == 3
    assert (folder.path / "samples.json").read_bytes() == before


def test_a_name_taken_meanwhile_gets_a_number(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    names = []
    for _ in range(3):
        result = work(filled_library, start(msgspec.structs.replace(spec, steps=1)))
        assert result is not None
        names.append(result["adapter"])
    assert names == ["Garden", "Garden 2", "Garden 3"]


def test_training_on_from_an_adapter(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    work(filled_library, start(spec))
    first = read_adapter(filled_library.adapters, "Garden").card
    work(filled_library, start(msgspec.structs.replace(spec, name="More", start_from="Garden")))
    second = read_adapter(filled_library.adapters, "More").card
    assert second.base_valid_loss == pytest.approx(first.valid_loss, rel=1e-4)
    assert second.valid_loss is not None
    assert first.valid_loss is not None
    assert second.valid_loss < first.valid_loss


def test_going_on_from_an_adapter_whatever_it_is_called_by_then(
    filled_library: Library, notes: Notes, start: Start, spec: TrainSpec
) -> None:
    work(filled_library, start(msgspec.structs.replace(spec, steps=1)))
    first = read_adapter(filled_library.adapters, "Garden").card
    on_from = msgspec.structs.replace(
        spec, name="More", steps=1, start_from="Garden", start_from_id=first.id
    )
    rename_adapter(filled_library, notes.connection, "Garden", "Harbour")
    work(filled_library, start(msgspec.structs.replace(spec, steps=1)))
    assert read_adapter(filled_library.adapters, "Garden").card.id != first.id
    run = start(on_from)
    work(filled_library, run)
    (run.path / "lock").touch()  # as a process leaves it
    more = read_adapter(filled_library.adapters, "More").card
    assert more.base_valid_loss == pytest.approx(first.valid_loss, rel=1e-4)
    Bin(filled_library, notes.connection).delete_adapter("Harbour")
    expect(ErrorKind.ADAPTER_UNKNOWN, filled_library, start(on_from))


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


def test_a_run_cut_short_after_filing_does_not_file_twice(
    filled_library: Library, start: Start, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = start(spec)
    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "write_report", lambda *_: (_ for _ in ()).throw(OSError(28, "")))
        with pytest.raises(OSError, match="28"):
            work(filled_library, folder)
    result = work(filled_library, folder)
    assert result is not None
    assert result["adapter"] == "Garden"
    assert [a.card.name for a in list_adapters(filled_library.adapters)] == ["Garden"]


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


def test_with_less_memory_a_run_learns_as_much(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    plain = msgspec.structs.replace(spec, dropout=0.0)
    one = work(filled_library, start(plain))
    other = work(filled_library, start(msgspec.structs.replace(plain, low_memory=True, name="B")))
    assert one is not None
    assert other is not None
    assert other["valid_loss"] == pytest.approx(one["valid_loss"], rel=1e-3)


def test_a_run_that_ran_out_of_memory_goes_on_with_less(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    folder = start(msgspec.structs.replace(spec, dropout=0.0))
    asked = iter([False] * 4 + [True] * 99)
    assert work(filled_library, folder, lambda: next(asked)) is None
    way = read_way(folder)
    assert way is not None
    slower = thriftier(way, dropout=0.0)
    assert slower is not None
    write_way(folder, slower)
    result = work(filled_library, folder)
    assert result is not None
    assert result["steps"] == 8


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
