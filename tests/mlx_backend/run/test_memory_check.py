from __future__ import annotations

from typing import Any

import mlx.core as mx
import msgspec
import psutil
import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.memory_wait import NoRoomYet
from mlx_backend.run import memory_check as room_module
from mlx_backend.run.memory_check import check_fit, check_room, most_memory
from mlx_backend.run.plan import RunPlan

PLAN = RunPlan(
    notes=1,
    samples=10,
    held_out=1,
    steps=8,
    passes=1.0,
    minutes=1.0,
    peak_bytes=4_000_000_000,
    machine_bytes=1_500_000_000,
    fits=False,
    tokens_per_second=1.0,
    way="with little memory, slower",
)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 8 GB without a GPU."""
    whole: Any = psutil.virtual_memory()._replace(total=8_000_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: whole)
    monkeypatch.setattr(room_module, "has_gpu", lambda: False)


def test_what_other_programs_have_can_be_waited_for() -> None:
    with pytest.raises(NoRoomYet) as caught:
        check_fit(PLAN, waits=True)
    waiting = caught.value.waiting
    assert (waiting.reason, waiting.needed_bytes) == ("memory", PLAN.peak_bytes)
    assert "4.0 GB" in waiting.text
    assert "1.5 GB" in waiting.text


def test_who_does_not_wait_is_told_at_once() -> None:
    with pytest.raises(OvernightError) as caught:
        check_fit(PLAN, waits=False)
    assert not isinstance(caught.value, NoRoomYet)
    assert "Close other large programs" in caught.value.hint


@pytest.mark.parametrize("waits", [True, False])
def test_what_never_fits_is_not_waited_for(waits: bool) -> None:
    plan = msgspec.structs.replace(PLAN, peak_bytes=7_500_000_000, instead="half")
    with pytest.raises(OvernightError) as caught:
        check_fit(plan, waits)
    assert not isinstance(caught.value, NoRoomYet)
    assert caught.value.kind is ErrorKind.NO_MEMORY
    assert "more than this machine can give" in caught.value.message
    assert "'half', which would fit" in caught.value.hint
    assert "Close" not in caught.value.hint


def test_what_fits_is_no_reason_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    check_fit(msgspec.structs.replace(PLAN, fits=True), waits=True)
    monkeypatch.setattr(room_module, "memory_available", lambda: PLAN.peak_bytes)
    check_room(PLAN, could_take_less=True)


def test_what_fitted_before_may_have_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "memory_available", lambda: PLAN.peak_bytes - 1)
    for could_take_less in (True, False):
        with pytest.raises(NoRoomYet) as caught:
            check_room(PLAN, could_take_less)
        assert caught.value.waiting.could_take_less == could_take_less
    above = msgspec.structs.replace(PLAN, peak_bytes=7_500_000_000)
    check_room(above, could_take_less=True)  # it fitted all the same


@pytest.mark.parametrize(
    ("gpu", "most"),
    [
        ({"max_recommended_working_set_size": 5_300_000_000, "memory_size": 8}, 5_300_000_000),
        ({"max_recommended_working_set_size": 7_900_000_000, "memory_size": 8}, 7_200_000_000),
        ({"free_memory": 1, "total_memory": 80_000_000_000}, 72_000_000_000),
    ],
)
def test_a_gpu_has_a_say(monkeypatch: pytest.MonkeyPatch, gpu: dict[str, int], most: int) -> None:
    monkeypatch.setattr(room_module, "has_gpu", lambda: True)
    monkeypatch.setattr(mx, "device_info", lambda: gpu)
    assert most_memory() == most
