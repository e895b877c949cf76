from __future__ import annotations

import pytest

from mlx_backend.jobs import JobFolder, hindrances
from mlx_backend.jobs.hindrances import Hindrances
from mlx_backend.jobs.surroundings import Every, Surroundings
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
    found = Hindrances(folder, Surroundings(), look=0)
    assert found.to_begin() is None
    assert found.to_go_on() is None


def test_a_run_under_way_does_not_wait_for_its_turn(folder: JobFolder) -> None:
    night = Surroundings(obstacle=lambda: BATTERY, turn=lambda: TURN)
    found = Hindrances(folder, night, look=0)
    assert reason(found.to_begin()) == "turn"
    assert reason(found.to_go_on()) == "battery"


def test_the_person_comes_first(folder: JobFolder) -> None:
    folder.request_pause()
    found = Hindrances(folder, Surroundings(turn=lambda: TURN), look=0)
    assert reason(found.to_begin()) == reason(found.to_go_on()) == "paused"


def test_the_machine_is_not_asked_at_every_look(folder: JobFolder) -> None:
    answers = iter([BATTERY, None])
    found = Hindrances(folder, Surroundings(obstacle=lambda: next(answers)), look=3600)
    assert [reason(found.to_go_on()) for _ in range(5)] == ["battery"] * 5


def test_what_cannot_be_read_changes_nothing(folder: JobFolder) -> None:
    answers: list[Waiting | OSError | None] = [None, _BROKEN, BATTERY, _BROKEN]

    def obstacle() -> Waiting | None:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    found = Hindrances(folder, Surroundings(obstacle=obstacle), look=0)
    assert [reason(found.to_go_on()) for _ in range(4)] == [None, None, "battery", "battery"]


def test_room_is_waited_for_once_it_was_missing(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = iter([False, False, True])
    monkeypatch.setattr(hindrances, "has_room", lambda *given: next(room))
    found = Hindrances(folder, Surroundings(), look=0)
    assert found.to_begin() is None  # nobody looks at the disk before it failed
    assert not found.need_room()
    assert reason(found.to_begin()) == "disk"
    assert found.to_begin() is None
    assert found.to_begin() is None


def test_every_so_many_seconds() -> None:
    now = 100.0
    due = Every(10.0, clock=lambda: now)
    assert due.is_due()
    now = 109.9
    assert not due.is_due()
    now = 110.0
    assert due.is_due()
    assert not due.is_due()
