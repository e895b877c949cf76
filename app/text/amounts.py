"""Numbers as a person says them: with a unit, and no more digits than mean something.

Separators, the clock of 12 or 24 hours and the order of a date are those of the person's region;
the words are English, as everywhere in the window.
"""

from __future__ import annotations

import datetime
import re
import time
from pathlib import Path

from PySide6.QtCore import QLocale, QTime

_SHORT = QLocale.FormatType.ShortFormat


def number(of: float, digits: int = 0) -> str:
    """A number with `digits` digits after the point: '1,540', '1.540,5' where that is usual."""
    region = QLocale()
    if region.language() is QLocale.Language.C:
        return f"{of:,.{digits}f}"
    return region.toString(float(of), "f", digits)


_OF_THE_ENGINE = re.compile(r"\b\d{1,3}(?:,\d{3})+\b|\b\d+\.\d+(?= [KMGT]B\b)")


def regional(text: str) -> str:
    """A sentence of the engine with its numbers ('1,540', '2.1 GB') as the region writes them."""
    return _OF_THE_ENGINE.sub(_regional, text)


def _regional(found: re.Match[str]) -> str:
    return number(float(found[0].replace(",", "")), len(found[0].partition(".")[2]))


def weight(of: float) -> str:
    """A weight with as many digits as it has, two at most: '1', '0.7', '-0.25'."""
    return number(of, len(f"{round(of, 2):g}".partition(".")[2]))


def part(done: float, whole: float) -> str:
    """How much of how much: '120 of 1,540'."""
    return f"{number(done)} of {number(whole)}"


def percent(done: float, whole: float) -> str:
    """The same as a share: '20 percent'; all of it only when all is done."""
    share = int(100 * done / whole) if whole else 0
    return f"{number(min(share, 100))} percent"


def count(of: int, thing: str, things: str = "") -> str:
    """A number with its noun: '1 note', '56,000 words'."""
    return f"{number(of)} {thing if of == 1 else things or thing + 's'}"


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


def span(seconds: float, grain: int = 1) -> str:
    """A length of time: '15 min', '2 h 10 min'; in steps of `grain` minutes."""
    if seconds < 60:
        return "less than a minute"
    minutes = max(1, round(seconds / 60 / grain)) * grain
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join(parts)


def estimate(seconds: float, error: float) -> tuple[str, str]:
    """A time and how far it may be off: ('about 2 h 10 min', 'give or take 15 min').

    The second is "" where the error is not known, or makes no difference.
    """
    if error < 30 or seconds < 60:
        return duration(seconds), ""
    grain = 1 if error < 300 else 5 if error < 1800 else 15
    return f"about {span(seconds, grain)}", f"give or take {span(max(error, 60), grain)}"


def energy(watt_hours: float) -> str:
    """'12 Wh', '0.4 kWh'."""
    if watt_hours < 100:
        return f"{number(watt_hours, 0 if watt_hours >= 10 else 1)} Wh"
    return f"{number(watt_hours / 1000, 1)} kWh"


def moment(at: float, now: float) -> str:
    """A time to come, or of today: '23:00', '7:00 tomorrow', '7:00 on 25 November'; local."""
    clock_time = time_of_day(at)
    match _days_between(now, at):
        case 0:
            return clock_time
        case 1:
            return f"{clock_time} tomorrow"
        case _:
            return f"{clock_time} on {date(at)}"


def hours(many: float) -> str:
    """A length of time that a person set: '8 hours', '1 hour', '30 minutes'."""
    if many < 1:
        return count(round(many * 60), "minute")
    digits = len(f"{many:g}".partition(".")[2])
    return f"{number(many, digits)} {'hour' if many == 1 else 'hours'}"


def clock(seconds: float) -> str:
    """A running length of time, which should not jump: '0:42', '1:05:09'."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(of: float) -> str:
    """'93 MB', '1.4 GB', in powers of ten like the system's file manager."""
    value, unit = float(of), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    digits = 1 if unit in ("GB", "TB") and value < 100 else 0
    return f"{number(value, digits)} {unit}"


def path(where: str) -> str:
    """A path, with '~' for the person's own folder."""
    home = str(Path.home())
    return f"~{where[len(home) :]}" if where.startswith(home + "/") else where


def time_of_day(at: float) -> str:
    """'7:40', '07:40' or '7:40 AM', as is usual; local time."""
    moment, region = time.localtime(at), QLocale()
    if region.language() is QLocale.Language.C:
        return f"{moment.tm_hour}:{moment.tm_min:02}"
    return region.toString(QTime(moment.tm_hour, moment.tm_min), _SHORT)


def clock_format() -> str:
    """How a field for the time of day shows it: "HH:mm", or "h:mm AP" where that is usual."""
    region = QLocale()
    return "HH:mm" if region.language() is QLocale.Language.C else region.timeFormat(_SHORT)


def day(at: float, now: float | None = None) -> str:
    """'Today, 7:40', 'Yesterday, 22:05', '14 March 2026'; local time."""
    clock_time = time_of_day(at)
    match _days_between(at, time.time() if now is None else now):
        case 0:
            return f"Today, {clock_time}"
        case 1:
            return f"Yesterday, {clock_time}"
        case _:
            return date(at, with_year=True)


def date(at: float, with_year: bool = False) -> str:
    """'23 November', '23 November 2026', or with the month first where that is usual; local."""
    moment = time.localtime(at)
    month = _MONTHS[moment.tm_mon - 1]
    if QLocale().dateFormat(_SHORT).startswith("M"):
        return f"{month} {moment.tm_mday}{f', {moment.tm_year}' if with_year else ''}"
    return f"{moment.tm_mday} {month}{f' {moment.tm_year}' if with_year else ''}"


def _days_between(earlier: float, later: float) -> int:
    """How often the local date changes: days in the calendar, which may have 23 or 25 hours."""
    return (datetime.date.fromtimestamp(later) - datetime.date.fromtimestamp(earlier)).days


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
