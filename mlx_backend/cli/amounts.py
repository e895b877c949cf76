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


def data_size(size: float) -> str:
    """A number of bytes in words, such as "30 kB", "12 MB" or "1.8 GB"."""
    if size < 1e5:
        return f"{size / 1e3:.0f} kB"
    if size < 1e9:
        return f"{size / 1e6:,.0f} MB" if size >= 1e7 else f"{size / 1e6:.1f} MB"
    return f"{size / 1e9:,.1f} GB"
