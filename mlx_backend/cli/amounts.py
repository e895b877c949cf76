"""Durations and counts in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A duration in words, such as "40 minutes"."""
    if seconds < 90:
        return counted(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"


def counted(number: int, noun: str) -> str:
    """A number with its noun, such as "1 step" or "1,200 steps"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
