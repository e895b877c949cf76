"""Moments as people write them: an hour of the day, or a date with one."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from mlx_backend.errors import Kind, OvernightError

_HOUR = re.compile(r"(\d{1,2}):(\d{2})")


def next_time(hour: time, after: datetime) -> datetime:
    """The first moment after `after` (local time) at which the clock shows `hour`."""
    moment = datetime.combine(after.date(), hour)
    return moment if moment > after else datetime.combine(after.date() + timedelta(days=1), hour)


def read_moment(text: str, after: datetime) -> datetime:
    """A moment (local time) from `HH:MM`, the next such one after `after`, or from ISO 8601.

    Raises ValueError for what is neither, and OvernightError for a moment not after `after`.
    """
    hour = _HOUR.fullmatch(text.strip())
    if hour:
        return next_time(time(int(hour[1]), int(hour[2])), after)
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is not None:
        moment = moment.astimezone().replace(tzinfo=None)
    if moment <= after:
        raise OvernightError(
            Kind.BAD_INPUT,
            f"{spoken(moment, after.date())} is over already, or comes before the start.",
            "Give a later moment, such as 23:00 or 2030-12-31T23:00.",
        )
    return moment


def check_moment(text: str) -> str:
    """Raise ValueError unless `read_moment` can read `text`, which is returned."""
    if not _HOUR.fullmatch(text.strip()):
        datetime.fromisoformat(text.strip())
    else:
        read_moment(text, datetime(2000, 1, 1))
    return text


def spoken(moment: datetime, today: date) -> str:
    """A moment in words: the hour, and the day when it is not today."""
    hour = moment.strftime("%H:%M")
    if moment.date() == today:
        return hour
    if moment.date() == today + timedelta(days=1):
        return f"{hour} tomorrow"
    return f"{hour} on {moment.strftime('%A')}, {moment:%Y-%m-%d}"
