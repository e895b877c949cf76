from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.text import amounts


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "less than a minute"),
        (59, "less than a minute"),
        (61, "about 1 minute"),
        (240, "about 4 minutes"),
        (38 * 60, "about 40 minutes"),
        (57 * 60, "about 1 hour"),
        (100 * 60, "about 1½ hours"),
        (2.5 * 3600, "about 2½ hours"),
        (8 * 3600, "about 8 hours"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    assert amounts.duration(seconds) == said


def test_count() -> None:
    assert amounts.count(1, "note") == "1 note"
    assert amounts.count(56_000, "word") == "56,000 words"
    assert amounts.count(2, "entry", "entries") == "2 entries"


def test_size() -> None:
    assert amounts.size(12) == "12 bytes"
    assert amounts.size(93_400_000) == "93 MB"
    assert amounts.size(1_440_000_000) == "1.4 GB"


def test_day() -> None:
    noon = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
    assert amounts.day(noon - 3600, now=noon) == "Today, 11:00"
    assert amounts.day(noon - 14 * 3600, now=noon) == "Yesterday, 22:00"
    assert amounts.day(noon - 3 * 86_400, now=noon) == "20 November 2026"


def at(local: str) -> float:
    """A Unix time from a local one; with a star, the second of two such."""
    moment = datetime.datetime.fromisoformat(local.rstrip("*"))
    return moment.replace(fold=local.endswith("*")).timestamp()


@pytest.mark.parametrize(
    ("zone", "when", "now", "said"),
    [
        # 29 March 2026 has 23 hours in Berlin, 25 October 25.
        ("Europe/Berlin", "2026-03-28T00:30", "2026-03-29T12:00", "Yesterday, 0:30"),
        ("Europe/Berlin", "2026-03-28T23:30", "2026-03-29T03:30", "Yesterday, 23:30"),
        ("Europe/Berlin", "2026-03-27T23:30", "2026-03-29T12:00", "27 March 2026"),
        ("Europe/Berlin", "2026-03-29T00:30", "2026-03-30T12:00", "Yesterday, 0:30"),
        ("Europe/Berlin", "2026-03-28T23:30", "2026-03-30T12:00", "28 March 2026"),
        ("Europe/Berlin", "2026-10-25T00:30", "2026-10-26T12:00", "Yesterday, 0:30"),
        ("Europe/Berlin", "2026-10-24T23:30", "2026-10-26T12:00", "24 October 2026"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T02:30*", "Today, 2:30"),
        ("America/New_York", "2026-03-08T00:10", "2026-03-09T00:10", "Yesterday, 0:10"),
        ("America/New_York", "2026-03-07T23:59", "2026-03-09T08:00", "7 March 2026"),
        ("America/New_York", "2026-11-01T00:10", "2026-11-02T08:00", "Yesterday, 0:10"),
        ("America/New_York", "2026-10-31T23:59", "2026-11-02T08:00", "31 October 2026"),
        ("Asia/Kathmandu", "2026-11-23T00:00", "2026-11-24T23:59", "Yesterday, 0:00"),
        ("America/Havana", "2026-03-08T01:00", "2026-03-09T12:00", "Yesterday, 1:00"),
        ("Asia/Kathmandu", "2026-11-25T07:00", "2026-11-24T23:59", "25 November 2026"),
    ],
)
def test_days_are_those_of_the_calendar(
    local_zone: Callable[[str], None], zone: str, when: str, now: str, said: str
) -> None:
    local_zone(zone)
    assert amounts.day(at(when), at(now)) == said


@pytest.mark.parametrize(
    ("zone", "when", "now", "said"),
    [
        ("Europe/Berlin", "2026-03-29T07:00", "2026-03-28T23:30", "7:00 tomorrow"),
        ("Europe/Berlin", "2026-03-30T00:30", "2026-03-29T00:30", "0:30 tomorrow"),
        ("Europe/Berlin", "2026-10-26T00:30", "2026-10-25T00:30", "0:30 tomorrow"),
        ("Europe/Berlin", "2026-10-27T00:30", "2026-10-25T00:30", "0:30 on 27 October"),
        ("America/New_York", "2026-03-08T23:30", "2026-03-08T00:30", "23:30"),
        ("Asia/Kathmandu", "2026-11-25T07:00", "2026-11-24T23:59", "7:00 tomorrow"),
    ],
)
def test_moments_are_told_by_the_calendar(
    local_zone: Callable[[str], None], zone: str, when: str, now: str, said: str
) -> None:
    local_zone(zone)
    assert amounts.moment(at(when), at(now)) == said


def test_path_below_home() -> None:
    assert amounts.path(str(Path.home() / "notes" / "a.md")) == "~/notes/a.md"
    assert amounts.path("/elsewhere/a.md") == "/elsewhere/a.md"
