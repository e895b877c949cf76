from __future__ import annotations

import ctypes
import os

import pytest

from mlx_backend.machine.cores import (
    FIXED_CORES,
    CoreShare,
    CoreTimes,
    fix_cores,
    fixed_cores,
    free_cores,
    threads_to_take,
)

START = CoreTimes(clock=100.0, busy=1000.0, own=50.0)


@pytest.mark.parametrize(
    ("busy", "own", "threads"),
    [
        (20.0, 20.0, 4),  # all of it was ours
        (12.0, 10.0, 4),  # a little of others
        (15.0, 10.0, 2),  # half a core of others
        (40.0, 10.0, 2),
        (9.0, 10.0, 4),  # the two clocks do not quite agree
    ],
)
def test_all_cores_are_taken_while_others_leave_them(busy: float, own: float, threads: int) -> None:
    now = CoreTimes(START.clock + 10, START.busy + busy, START.own + own)
    assert threads_to_take(4, START, now) == threads


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 1), (16, 8)])
def test_others_get_half(cores: int, threads: int) -> None:
    now = CoreTimes(START.clock + 10, START.busy + 30, START.own)
    assert threads_to_take(cores, START, now) == threads


def test_without_time_in_between_nothing_is_taken_for_granted() -> None:
    assert threads_to_take(4, START, START) == 2


@pytest.mark.parametrize(
    ("chosen", "threads"), [("", os.cpu_count()), ("many", os.cpu_count()), ("1", 1)]
)
def test_training_begins_with_all_cores_or_those_chosen(
    monkeypatch: pytest.MonkeyPatch, chosen: str, threads: int
) -> None:
    """Also the first steps after a resume: other threads compute other last bits."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "openblas_get_num_threads"):
        pytest.skip("no OpenBLAS here")
    monkeypatch.setenv(FIXED_CORES, chosen)
    before = library.openblas_get_num_threads()
    CoreShare()
    found = library.openblas_get_num_threads()
    library.openblas_set_num_threads(before)
    assert found == threads


def test_a_chosen_number_of_cores_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setenv(FIXED_CORES, "3")
    share = CoreShare()
    monkeypatch.setattr(share, "_set_threads", taken.append)
    monkeypatch.setattr(share, "_before", CoreTimes(clock=0.0, busy=0.0, own=0.0))
    share.adapt()
    assert taken == []


def test_readings_of_this_machine_grow() -> None:
    first, second = CoreTimes.now(), CoreTimes.now()
    assert second.clock >= first.clock
    assert second.own >= first.own
    CoreShare().adapt()  # whatever the machine is, it goes well


def test_the_number_of_cores_is_fixed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FIXED_CORES, raising=False)
    assert fixed_cores() == 0
    fix_cores(2)
    fix_cores(5)
    assert fixed_cores() == 2
    monkeypatch.setenv(FIXED_CORES, "1")  # for whatever runs after this test


def test_some_core_is_always_free() -> None:
    assert 1 <= free_cores() <= (os.cpu_count() or 1)
