from __future__ import annotations

import pytest

from mlx_backend.jobs import JobFolder, wait_reasons
from mlx_backend.jobs.machine_services import Every, MachineServices
from mlx_backend.jobs.wait_reasons import WaitReasons
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec, Waiting

BATTERY = Waiting(reason="battery", text="On battery.")
_BROKEN = OSError(5, "Input/output error")
TURN = Waiting(reason="turn", text="Another comes first.")


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, TrainSpec(name="Garden", model="tiny"))


def reason(waiting: Waiting | None) -> str | None:
    return waiting.reason if waiting else None


def test_nothing_hinders(folder: JobFolder) -> None:
    found = WaitReasons(folder, MachineServices(), look=0)
    assert found.before_start() is None
    assert found.while_training() is None


def test_a_run_under_way_does_not_wait_for_its_turn(folder: JobFolder) -> None:
    night = MachineServices(obstacle=lambda: BATTERY, turn=lambda: TURN)
    found = WaitReasons(folder, night, look=0)
    assert reason(found.before_start()) == "turn"
    assert reason(found.while_training()) == "battery"


def test_the_person_comes_first(folder: JobFolder) -> None:
    folder.request_pause()
    found = WaitReasons(folder, MachineServices(turn=lambda: TURN), look=0)
    assert reason(found.before_start()) == reason(found.while_training()) == "paused"


def test_the_machine_is_not_asked_at_every_look(folder: JobFolder) -> None:
    answers = iter([BATTERY, None])
    found = WaitReasons(folder, MachineServices(obstacle=lambda: next(answers)), look=3600)
    assert [reason(found.while_training()) for _ in range(5)] == ["battery"] * 5


def test_what_cannot_be_read_changes_nothing(folder: JobFolder) -> None:
    answers: list[Waiting | OSError | None] = [None, _BROKEN, BATTERY, _BROKEN]

    def obstacle() -> Waiting | None:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    found = WaitReasons(folder, MachineServices(obstacle=obstacle), look=0)
    assert [reason(found.while_training()) for _ in range(4)] == [None, None, "battery", "battery"]


def test_room_is_waited_for_once_it_was_missing(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = iter([False, False, True])
    monkeypatch.setattr(wait_reasons, "has_room", lambda *given: next(room))
    found = WaitReasons(folder, MachineServices(), look=0)
    assert found.before_start() is None  # nobody looks at the disk before it failed
    assert not found.check_room()
    assert reason(found.before_start()) == "disk"
    assert found.before_start() is None
    assert found.before_start() is None


def test_every_so_many_seconds() -> None:
    now = 100.0
    due = Every(10.0, clock=lambda: now)
    assert due.is_due()
    now = 109.9
    assert not due.is_due()
    now = 110.0
    assert due.is_due()
    assert not due.is_due()
