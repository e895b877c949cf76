from __future__ import annotations

import pytest

from mlx_backend.run.host_attendance import LEFT_ALONE, Attendance


@pytest.fixture
def attendance() -> Attendance:
    """Three machines, called at 100 s; each is lost after a minute of silence."""
    return Attendance(size=3, began=100.0, patience=60.0)


def test_a_silent_machine_is_lost(attendance: Attendance) -> None:
    attendance.hear(1, 130.0)
    attendance.hear(2, 150.0)
    assert attendance.lost(190.0) is None
    assert attendance.lost(191.0) == 1
    attendance.hear(1, 192.0)
    assert attendance.lost(200.0) is None


def test_a_machine_that_never_answers_is_lost(attendance: Attendance) -> None:
    attendance.hear(1, 155.0)
    assert attendance.lost(161.0) == 2
    assert attendance.was_heard(1)
    assert not attendance.was_heard(2)


@pytest.mark.parametrize("code", [-9, 1, 127, 255, 0])
def test_a_machine_that_ended_of_itself_is_lost(attendance: Attendance, code: int) -> None:
    attendance.end(2, code)
    assert attendance.lost(101.0) == 2


@pytest.mark.parametrize("code", [LEFT_ALONE, -15, 143])
def test_one_that_ended_with_the_others_is_not_the_lost_one(
    attendance: Attendance, code: int
) -> None:
    attendance.end(1, code)
    assert attendance.lost(101.0) is None
    assert attendance.lost(1e9) == 2, "its silence is explained"
    attendance.end(2, -9)
    attendance.end(2, 0)
    assert attendance.lost(101.0) == 2


def test_one_that_was_let_go_is_not_missed(attendance: Attendance) -> None:
    attendance.let_go(1)
    attendance.let_go(2)
    attendance.end(2, 255)
    assert attendance.lost(1e9) is None


def test_the_leading_one_is_never_lost(attendance: Attendance) -> None:
    assert attendance.leading_end() is None
    attendance.end(0, -6)
    assert attendance.leading_end() == -6
    assert attendance.lost(101.0) is None


def test_who_is_most_likely_lost(attendance: Attendance) -> None:
    attendance.hear(1, 110.0)
    assert attendance.likeliest_lost() == 2, "it never answered"
    attendance.hear(2, 105.0)
    assert attendance.likeliest_lost() == 2, "it is silent for longer"
    attendance.hear(2, 115.0)
    assert attendance.likeliest_lost() == 1
