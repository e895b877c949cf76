from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from mlx_backend.errors import Kind, OvernightError
from mlx_backend.night.clock_times import check_moment, next_time, read_moment, spoken

EVENING = datetime(2026, 11, 24, 21, 30)


@pytest.mark.parametrize(
    ("hour", "moment"),
    [
        (time(23), datetime(2026, 11, 24, 23)),
        (time(7), datetime(2026, 11, 25, 7)),
        (time(21, 30), datetime(2026, 11, 25, 21, 30)),
        (time(21, 31), datetime(2026, 11, 24, 21, 31)),
        (time(0), datetime(2026, 11, 25)),
    ],
)
def test_the_next_time_the_clock_shows_an_hour(hour: time, moment: datetime) -> None:
    assert next_time(hour, EVENING) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("23:00", datetime(2026, 11, 24, 23)),
        (" 7:05 ", datetime(2026, 11, 25, 7, 5)),
        ("2026-11-25T06:45", datetime(2026, 11, 25, 6, 45)),
        ("2026-11-25 06:45:30", datetime(2026, 11, 25, 6, 45, 30)),
        ("20261125", datetime(2026, 11, 25)),
    ],
)
def test_moments_are_read(text: str, moment: datetime) -> None:
    assert read_moment(check_moment(text), EVENING) == moment


def test_a_moment_with_an_offset_is_the_same_moment() -> None:
    after = datetime(2026, 1, 1)
    moment = read_moment("2026-11-25T06:45:00Z", after)
    assert moment.astimezone(UTC) == datetime(2026, 11, 25, 6, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "7", "23:60", "-1:00", "23:00:00", "2026-13-01", "٢٣:٠٠x", "\0"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        check_moment(text)
    with pytest.raises(ValueError, match=r".*"):
        read_moment(text, EVENING)


@pytest.mark.parametrize("text", ["2026-11-24T21:30", "2020-01-01", "0001-01-01"])
def test_what_is_over_is_said_to_be(text: str) -> None:
    with pytest.raises(OvernightError) as caught:
        read_moment(text, EVENING)
    assert caught.value.kind is Kind.BAD_INPUT
    assert "over already" in caught.value.message


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 11, 24, 23), "23:00"),
        (datetime(2026, 11, 25, 7), "07:00 tomorrow"),
        (datetime(2026, 11, 28, 7), "07:00 on Saturday, 2026-11-28"),
    ],
)
def test_moments_in_words(moment: datetime, words: str) -> None:
    assert spoken(moment, date(2026, 11, 24)) == words
