"""Numbers in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return counted(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"


def counted(number: int, noun: str) -> str:
    """So many of something: "1 step", "1,200 steps"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
