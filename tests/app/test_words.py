from __future__ import annotations

import time
from pathlib import Path

import pytest

from app import words


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
    assert words.duration(seconds) == said


def test_count() -> None:
    assert words.count(1, "note") == "1 note"
    assert words.count(56_000, "word") == "56,000 words"
    assert words.count(2, "entry", "entries") == "2 entries"


def test_size() -> None:
    assert words.size(12) == "12 bytes"
    assert words.size(93_400_000) == "93 MB"
    assert words.size(1_440_000_000) == "1.4 GB"


def test_day() -> None:
    noon = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
    assert words.day(noon - 3600, now=noon) == "Today, 11:00"
    assert words.day(noon - 14 * 3600, now=noon) == "Yesterday, 22:00"
    assert words.day(noon - 3 * 86_400, now=noon) == "20 November 2026"


def test_path_below_home() -> None:
    assert words.path(str(Path.home() / "notes" / "a.md")) == "~/notes/a.md"
    assert words.path("/elsewhere/a.md") == "/elsewhere/a.md"
