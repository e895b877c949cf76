"""A run waits for memory, and hears a stop while it measures, on the tiny model."""

from __future__ import annotations

import shutil
import time
from typing import Any

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind
from mlx_backend.jobs.memory_ladder import read_way, thriftier, write_way
from mlx_backend.library import Library
from mlx_backend.library.adapters import list_adapters
from mlx_backend.night.overtime import grant_time
from mlx_backend.protocol import TrainSpec
from mlx_backend.run import memory_check as room_module
from mlx_backend.run import plan as plan_module
from mlx_backend.run import plan_stage
from mlx_backend.run import training_run as run_module
from mlx_backend.run.process import outcome_of, train
from tests.mlx_backend.run.whole_run import Start, expect, factors, hours_later, work


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


@pytest.mark.parametrize("work_name", ["prepare", "assess_once", "plan_what_fits", "assess_again"])
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
    module = run_module if work_name == "assess_again" else plan_stage
    real = getattr(module, work_name)

    def ask_to_stop(*given: Any, **named: Any) -> Any:
        asked.append(work_name)
        return real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(module, work_name, ask_to_stop)
        assert work(filled_library, folder, lambda: bool(asked)) is None
    assert asked == [work_name]
    assert (folder.path / "plan.json").exists() == (work_name == "assess_again")
    result = work(filled_library, folder)
    assert result is not None
    assert result["exam_asked"]
    assert factors(filled_library) == whole
    assert len(list_adapters(filled_library.adapters)) == 1


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
