from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from mlx_backend.machine import cores as cores_module
from mlx_backend.machine.cores import (
    FIXED_CORES,
    CoreShare,
    CoreTimes,
    available_cores,
    fix_cores,
    fixed_cores,
    free_cores,
    limit_thread_pools,
    threads_to_take,
    usable_cores,
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
    ("chosen", "threads"),
    [("", available_cores()), ("many", available_cores()), ("1", 1), ("1000", available_cores())],
)
def test_training_begins_with_all_usable_cores_or_those_chosen(
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
    assert 1 <= free_cores() <= available_cores()


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_no_more_cores_are_used_than_the_quota_of_a_container_allows(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.delenv(FIXED_CORES, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    monkeypatch.setattr(cores_module, "quota_cores", lambda: cores)
    assert usable_cores() == available_cores() == cores
    monkeypatch.setenv(FIXED_CORES, "2")
    assert usable_cores() == min(2, cores)
    monkeypatch.setattr(cores_module, "quota_cores", lambda: None)
    assert available_cores() == 16


@pytest.mark.parametrize(("chosen", "limit"), [("", "3"), ("8", "3"), ("2", "2"), ("0", "3")])
def test_thread_pools_get_no_more_threads_than_cores(
    monkeypatch: pytest.MonkeyPatch, chosen: str, limit: str
) -> None:
    monkeypatch.setattr(cores_module, "usable_cores", lambda: 3)
    for variable in ("OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        monkeypatch.setenv(variable, chosen)
    limit_thread_pools()
    assert os.environ["RAYON_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == limit


_PINNED = """
import ctypes, os, sys
os.sched_setaffinity(0, map(int, sys.argv[1:]))
from mlx_backend.machine import accelerator, cores
accelerator.prepare()
library = ctypes.CDLL(None)
if not hasattr(library, "openblas_get_num_threads"):
    sys.exit("no OpenBLAS here")
found = [library.openblas_get_num_threads()]
share = cores.CoreShare()
found.append(library.openblas_get_num_threads())
cores.threads_to_take = lambda cores, before, now: cores
share._before = cores.CoreTimes(0.0, 0.0, 0.0)
share.adapt()
found.append(library.openblas_get_num_threads())
import numpy
numpy.ones((99, 99)) @ numpy.ones((99, 99))
print(*found, os.environ["RAYON_NUM_THREADS"], len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
@pytest.mark.parametrize("count", sorted({1, available_cores()}))
def test_openblas_has_as_many_threads_as_cores_that_the_process_is_pinned_to(count: int) -> None:
    chosen = sorted(os.sched_getaffinity(0))[:count]
    unset = {FIXED_CORES, "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", _PINNED, *map(str, chosen)],
        env={name: value for name, value in os.environ.items() if name not in unset},
        capture_output=True,
        text=True,
        check=False,
    )
    if "no OpenBLAS here" in done.stderr:
        pytest.skip("no OpenBLAS here")
    at_first, at_begin, adapted, rayon, threads = map(int, done.stdout.split())
    assert at_first == max(1, count // 2)
    assert at_begin == adapted == rayon == count
    if count == 1:
        assert threads == 1, "no second thread that spins"
