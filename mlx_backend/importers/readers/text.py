"""What readers share: the start of a file, single lines, and dates."""

from __future__ import annotations

import datetime as dt
import email.utils
import re

from mlx_backend.importers.document import SourceFile
from mlx_backend.text.words import printable

_SPACE_AND_MARKS = b"\xef\xbb\xbf \t\r\n"
_YEARS = (0.0, 4_102_444_800.0)  # 1970 to 2100; anything else is not the date of a note


def begins_with(source: SourceFile, *starts: bytes) -> bool:
    """Whether the content begins with one of `starts`, ignoring case and leading white space."""
    return source.head.lstrip(_SPACE_AND_MARKS)[:64].lower().startswith(starts)


def one_line(text: str | None) -> str:
    """The text as one line of printable characters with single spaces; "" for None."""
    if not text:
        return ""
    return " ".join(printable(text).split())


def seconds_of(value: object) -> float | None:
    """Unix time in seconds from a number, a date, ISO 8601 or the date of a mail; else None.

    A date without a time zone is taken as UTC.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _plausible(float(value))
    if isinstance(value, dt.datetime):
        return _of_datetime(value)
    if isinstance(value, dt.date):
        return _of_datetime(dt.datetime(value.year, value.month, value.day))
    return _of_text(str(value).strip())


def _of_text(text: str) -> float | None:
    compact = re.fullmatch(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", text)  # Evernote's
    if compact:
        text = "{}-{}-{}T{}:{}:{}+00:00".format(*compact.groups())
    try:
        return _of_datetime(dt.datetime.fromisoformat(text))
    except ValueError:
        pass
    try:
        return _of_datetime(email.utils.parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError):
        return None


def _of_datetime(moment: dt.datetime) -> float | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    try:
        return _plausible(moment.timestamp())
    except (OverflowError, ValueError):
        return None


def _plausible(seconds: float) -> float | None:
    return seconds if _YEARS[0] < seconds < _YEARS[1] else None
