"""Numbers as a person says them: with a unit, and no more digits than mean something."""

from __future__ import annotations

import time
from pathlib import Path


def count(number: int, thing: str, things: str = "") -> str:
    """A number with its noun: '1 note', '56,000 words'."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def duration(seconds: float) -> str:
    """An estimated time: 'less than a minute', 'about 40 minutes', 'about 2½ hours'."""
    minutes = seconds / 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 20:
        return f"about {count(round(minutes), 'minute')}"
    if minutes < 55:
        return f"about {round(minutes / 5) * 5} minutes"
    halves = round(minutes / 30)
    whole = f"{halves // 2}{'½' if halves % 2 else ''}"
    return f"about {whole} {'hour' if halves == 2 else 'hours'}"


def hours(number: float) -> str:
    """A length of time that a person set: '8 hours', '1 hour', '30 minutes'."""
    if number < 1:
        return count(round(number * 60), "minute")
    return f"{number:g} {'hour' if number == 1 else 'hours'}"


def clock(seconds: float) -> str:
    """A running length of time, which should not jump: '0:42', '1:05:09'."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(number: float) -> str:
    """'93 MB', '1.4 GB', in powers of ten like the system's file manager."""
    value, unit = float(number), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    digits = 1 if unit in ("GB", "TB") and value < 100 else 0
    return f"{value:,.{digits}f} {unit}"


def path(where: str) -> str:
    """A path, with '~' for the person's own folder."""
    home = str(Path.home())
    return f"~{where[len(home) :]}" if where.startswith(home + "/") else where


def day(at: float, now: float | None = None) -> str:
    """'Today, 7:40', 'Yesterday, 22:05', '14 March 2026'; local time."""
    moment, today = time.localtime(at), time.localtime(now)
    clock_time = f"{moment.tm_hour}:{moment.tm_min:02}"
    midnight = time.mktime((*today[:3], 0, 0, 0, 0, 0, -1))
    if at >= midnight:
        return f"Today, {clock_time}"
    if at >= midnight - 86_400:
        return f"Yesterday, {clock_time}"
    return f"{moment.tm_mday} {_MONTHS[moment.tm_mon - 1]} {moment.tm_year}"


def date(at: float) -> str:
    """'23 November'; local time."""
    moment = time.localtime(at)
    return f"{moment.tm_mday} {_MONTHS[moment.tm_mon - 1]}"


# Not strftime's: the window speaks English whatever the system's locale.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
