from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
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
    assert caught.value.kind is ErrorKind.BAD_INPUT
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


def moment_of(text: str) -> datetime:
    """A local moment; with a star, the second of two such."""
    return datetime.fromisoformat(text.rstrip("*")).replace(fold=text.endswith("*"))


@pytest.mark.parametrize(
    ("zone", "after", "hour", "moment"),
    [
        # In Berlin, 2:00 becomes 3:00 on 29 March 2026, and 3:00 becomes 2:00 on 25 October.
        ("Europe/Berlin", "2026-03-28T23:30", "07:00", "2026-03-29T05:00Z"),
        ("Europe/Berlin", "2026-03-28T23:30", "02:30", "2026-03-29T01:30Z"),
        ("Europe/Berlin", "2026-03-29T03:10", "02:30", "2026-03-30T00:30Z"),
        ("Europe/Berlin", "2026-03-29T01:59", "02:00", "2026-03-29T01:00Z"),
        ("Europe/Berlin", "2026-03-28T02:40", "02:30", "2026-03-29T01:30Z"),
        ("Europe/Berlin", "2026-10-24T23:30", "07:00", "2026-10-25T06:00Z"),
        ("Europe/Berlin", "2026-10-24T23:30", "02:30", "2026-10-25T00:30Z"),
        ("Europe/Berlin", "2026-10-25T02:45", "02:30", "2026-10-25T01:30Z"),
        ("Europe/Berlin", "2026-10-25T02:15*", "02:30", "2026-10-25T01:30Z"),
        ("Europe/Berlin", "2026-10-25T02:45*", "02:30", "2026-10-26T01:30Z"),
        ("America/New_York", "2026-03-07T22:00", "02:30", "2026-03-08T07:30Z"),
        ("America/New_York", "2026-11-01T01:45", "01:30", "2026-11-01T06:30Z"),
        ("America/New_York", "2026-10-31T22:00", "06:00", "2026-11-01T11:00Z"),
        ("Asia/Kathmandu", "2026-11-24T22:00", "06:00", "2026-11-25T00:15Z"),
    ],
)
def test_hours_around_a_change_of_the_clock(
    local_zone: Callable[[str], None], zone: str, after: str, hour: str, moment: str
) -> None:
    local_zone(zone)
    expected = datetime.fromisoformat(moment).timestamp()
    assert read_moment(hour, moment_of(after)).timestamp() == expected
    assert next_time(time.fromisoformat(hour), moment_of(after)).timestamp() == expected


@pytest.mark.parametrize(
    ("after", "text", "moment"),
    [
        ("2026-10-25T02:45", "2026-10-25T02:30", "2026-10-25T01:30Z"),
        ("2026-10-25T02:15", "2026-10-25T02:30", "2026-10-25T00:30Z"),
        ("2026-10-25T02:45", "2026-10-25T02:30+01:00", "2026-10-25T01:30Z"),
        ("2026-10-25T02:45", "2026-10-25T02:30+02:00", None),
        ("2026-10-25T02:45*", "2026-10-25T02:30", None),
        ("2026-03-29T01:30", "2026-03-29T02:30", "2026-03-29T01:30Z"),
        ("2026-03-29T03:10", "2026-03-29T02:30", None),
    ],
)
def test_dates_with_hours_around_a_change_of_the_clock(
    local_zone: Callable[[str], None], after: str, text: str, moment: str | None
) -> None:
    local_zone("Europe/Berlin")
    if moment is None:
        with pytest.raises(OvernightError):
            read_moment(text, moment_of(after))
    else:
        expected = datetime.fromisoformat(moment).timestamp()
        assert read_moment(text, moment_of(after)).timestamp() == expected
