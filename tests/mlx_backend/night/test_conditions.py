from __future__ import annotations

from dataclasses import dataclass

import pytest

from mlx_backend.night.conditions import Condition, Lookout, conditions_of
from mlx_backend.night.strain import Strain
from mlx_backend.protocol import Patience

NONE, SOME, MUCH = Strain.NONE, Strain.SOME, Strain.MUCH


@dataclass
class Machine:
    """A machine whose clock and strain a test moves."""

    now: float = 0.0
    strain: Strain = NONE
    fault: Exception | None = None

    def clock(self) -> float:
        return self.now

    def read(self) -> Strain:
        if self.fault:
            raise self.fault
        return self.strain


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def lookout(machine: Machine) -> Lookout:
    condition = Condition("heat", "It is hot.", machine.read, lasts=20, gone=40)
    return Lookout([condition], machine.clock)


def looks(machine: Machine, lookout: Lookout, strain: Strain, seconds: int) -> list[bool]:
    """Whether a run has to wait, looked at every five seconds."""
    machine.strain = strain
    found = []
    for _ in range(seconds // 5):
        found.append(lookout.obstacle() is not None)
        machine.now += 5
    return found


def test_the_first_look_counts_at_once(machine: Machine, lookout: Lookout) -> None:
    machine.strain = MUCH
    waiting = lookout.obstacle()
    assert waiting is not None
    assert (waiting.reason, waiting.text) == ("heat", "It is hot.")


def test_what_passes_soon_stops_no_run(machine: Machine, lookout: Lookout) -> None:
    for _ in range(5):
        assert not any(looks(machine, lookout, NONE, 10))
        assert not any(looks(machine, lookout, MUCH, 20))


def test_what_lasts_stops_a_run(machine: Machine, lookout: Lookout) -> None:
    looks(machine, lookout, NONE, 10)
    assert looks(machine, lookout, MUCH, 30) == [False] * 4 + [True] * 2


def test_it_has_to_be_gone_for_a_while(machine: Machine, lookout: Lookout) -> None:
    looks(machine, lookout, MUCH, 10)
    assert all(looks(machine, lookout, NONE, 35))
    assert all(looks(machine, lookout, MUCH, 5))
    assert looks(machine, lookout, NONE, 50) == [True] * 8 + [False] * 2


@pytest.mark.parametrize("before", [NONE, MUCH])
def test_in_between_everything_stays_as_it_is(
    machine: Machine, lookout: Lookout, before: Strain
) -> None:
    first = looks(machine, lookout, before, 5)
    assert set(looks(machine, lookout, SOME, 1000)) == set(first)


def test_after_a_long_time_without_a_look_it_begins_anew(
    machine: Machine, lookout: Lookout
) -> None:
    looks(machine, lookout, MUCH, 10)
    machine.now += 600
    assert not any(looks(machine, lookout, NONE, 10))
    machine.now += 600
    assert all(looks(machine, lookout, MUCH, 10))


@pytest.mark.parametrize("fault", [OSError("gone"), ValueError("odd")])
def test_what_cannot_be_read_hinders_nobody(
    machine: Machine, lookout: Lookout, fault: Exception
) -> None:
    machine.fault = fault
    assert not any(looks(machine, lookout, MUCH, 100))


def test_the_first_of_several_is_told_and_all_are_looked_at() -> None:
    battery, heat = Machine(strain=MUCH), Machine(strain=MUCH)
    lookout = Lookout(
        [
            Condition("battery", "No power.", battery.read, lasts=10, gone=10),
            Condition("heat", "It is hot.", heat.read, lasts=10, gone=10),
        ],
        battery.clock,
    )
    assert "battery" in str(lookout.obstacle())
    looks(battery, lookout, NONE, 20)
    assert "heat" in str(lookout.obstacle())


@pytest.mark.parametrize(
    ("patience", "reasons"),
    [
        (Patience(), ["battery", "heat", "memory"]),
        (Patience(on_battery=False, when_hot=False), ["memory"]),
        (Patience(on_battery=False, when_hot=False, when_memory_is_short=False), []),
    ],
)
def test_only_what_the_person_chose_is_waited_for(patience: Patience, reasons: list[str]) -> None:
    assert [condition.reason for condition in conditions_of(patience)] == reasons


def test_this_machine_can_be_looked_at() -> None:
    for condition in conditions_of(Patience()):
        assert condition.strain() in Strain
