"""Moments as people write them: a time of day, with or without a date."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from mlx_backend.errors import ErrorKind, OvernightError

_HOUR = re.compile(r"(\d{1,2}):(\d{2})")


def next_time(hour: time, after: datetime) -> datetime:
    """The first moment after `after` (local time) at which the clock shows `hour`.

    Where the clock is put back, it shows `hour` twice, and the first moment counts. Where it is put
    forward over `hour`, the moment is as long after the jump as `hour` is after its beginning.
    """
    return next(
        moment
        for days in range(3)  # the hour may be over today and skipped by the clock tomorrow
        for moment in _readings(datetime.combine(after.date() + timedelta(days=days), hour), after)
    )


def read_moment(text: str, after: datetime) -> datetime:
    """A moment (local time) from `HH:MM`, the next such one after `after`, or from ISO 8601.

    Raises ValueError for what is neither, and OvernightError for a moment not after `after`.
    """
    hour = _HOUR.fullmatch(text.strip())
    if hour:
        return next_time(time(int(hour[1]), int(hour[2])), after)
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is not None:
        moment = datetime.fromtimestamp(
            moment.timestamp()
        )  # its offset tells which of two 2:30 it is
        readings = [moment] if _is_after(moment, after) else []
    else:
        readings = _readings(moment, after)
    if not readings:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"{spoken(moment, after.date())} is over already, or comes before the start.",
            "Give a later moment, such as 23:00 or 2030-12-31T23:00.",
        )
    return readings[0]


def _readings(shown: datetime, after: datetime) -> list[datetime]:
    """The moments after `after` at which the clock shows this date and hour, in order.

    There are two where the clock is put back. Where it is put forward over that hour, there is one,
    at which the clock shows a later hour.
    """
    if abs(shown - after) > timedelta(
        days=2
    ):  # beyond any change of the clock; years may be out of range
        return [shown] if shown > after else []
    both = [shown.replace(fold=fold) for fold in (0, 1)]
    there = [m for m in both if datetime.fromtimestamp(m.timestamp()) == shown]
    if not there:
        late = datetime.fromtimestamp(both[0].timestamp())
        return [late] if shown > after and _is_after(late, after) else []
    found = {m.timestamp(): m for m in there if _is_after(m, after)}
    return [found[at] for at in sorted(found)]


def _is_after(moment: datetime, after: datetime) -> bool:
    if abs(moment - after) > timedelta(days=2):
        return moment > after
    return moment.timestamp() > after.timestamp()


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
