"""A run that was cut short, killed or out of time goes on, on the tiny model."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlx_backend import locks, protocol
from mlx_backend.adapters.merging import merge
from mlx_backend.adoption.trial.messages import AdapterFits
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.adapters import list_adapters, read_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.library.notes import Notes
from mlx_backend.night.overtime import grant_time
from mlx_backend.protocol import TrainSpec
from mlx_backend.receiving import receive as receive_module
from mlx_backend.receiving.bases import Candidate
from mlx_backend.receiving.receive import ReceiveOrder, Watch, receive
from mlx_backend.receiving.tried_here import outcome_here
from mlx_backend.run import memory_check as room_module
from mlx_backend.run import training_run as run_module
from mlx_backend.run.process import outcome_of, train
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.run.whole_run import Start, expect, factors, hours_later, once_training, work


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
        patch.setattr(run_module, "assess_again", no_exam)
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


def receive_it(library: Library) -> None:
    order = ReceiveOrder(str(library.adapters / "Garden"), "New")
    receive(library, order, Watch())


def merge_it(library: Library) -> None:
    merge(library, "New", [("Garden", 0.5), ("Copy", 0.5)])


@pytest.mark.parametrize("make", [receive_it, merge_it])
def test_going_on_from_one_that_no_run_made_practises_all_notes(
    filled_library: Library,
    start: Start,
    spec: TrainSpec,
    make: Callable[[Library], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def tried(candidate: Candidate, arrived: Path, ready: Path, _: Watch) -> AdapterFits:
        return outcome_here(arrived, candidate.model.path, ready)

    monkeypatch.setattr(receive_module, "_tried_with", tried)
    work(filled_library, start(spec))
    shutil.copytree(filled_library.adapters / "Garden", filled_library.adapters / "Copy")
    first = read_adapter(filled_library.adapters, "Garden").card
    make(filled_library)
    new = read_adapter(filled_library.adapters, "New").card
    on_from = msgspec.structs.replace(
        spec, name="More", start_from="New", start_from_id=new.id, study=True
    )
    run = start(on_from)
    result = work(filled_library, run)
    assert result is not None
    assert result["notes"] == 3
    second = read_adapter(filled_library.adapters, "More").card
    assert second.base_valid_loss == pytest.approx(first.valid_loss, rel=1e-3)
    assert [each.id for each in second.parents] == [new.id]


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
