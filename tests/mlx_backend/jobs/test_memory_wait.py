from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from mlx_backend.jobs.memory_wait import MemoryWait, NoRoomYet

WAITING = NoRoomYet(needed=4_000_000_000, free=1_000_000_000).waiting


@dataclass
class Machine:
    free: int = 0
    now: float = 100.0

    def wait(self) -> MemoryWait:
        return MemoryWait((10.0, 60.0), lambda: self.free, lambda: self.now)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_nothing_is_waited_for_until_it_was_refused(machine: Machine) -> None:
    assert machine.wait()() is None


def test_it_is_tried_again_when_there_is_enough(machine: Machine) -> None:
    wait = machine.wait()
    wait.refuse(WAITING, 1)
    machine.now += 600
    assert wait() == WAITING
    machine.free = WAITING.needed_bytes
    assert wait() is None
    machine.free = 0
    assert wait() is None  # the training itself sees to it that it fits


def test_each_refusal_lets_it_rest_longer(machine: Machine) -> None:
    wait = machine.wait()
    machine.free = WAITING.needed_bytes  # as it seems from here
    for times, rest in enumerate((10.0, 60.0, 60.0), 1):
        wait.refuse(WAITING, times)
        machine.now += rest - 1
        assert wait() == WAITING
        machine.now += 1
        assert wait() is None


@pytest.mark.parametrize(("could_take_less", "patience"), [(False, 3600), (True, 600)])
def test_now_and_then_it_is_tried_in_any_case(
    machine: Machine, could_take_less: bool, patience: int
) -> None:
    wait = machine.wait()
    waiting = msgspec.structs.replace(WAITING, could_take_less=could_take_less)
    wait.refuse(waiting, 1)
    machine.now += patience - 1
    assert wait() == waiting
    machine.now += 1
    assert wait() is None
