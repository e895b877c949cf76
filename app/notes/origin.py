"""When and by whom a note was written, in a sentence."""

from __future__ import annotations

from app.text import amounts
from app.text.directions import isolated
from mlx_backend.library.note_origins import Origin


def origin_sentence(origin: Origin) -> str:
    """As in "Written 4 May 2021 by Marta Lind. Last changed 6 May 2021."; "" for nothing known."""
    return " ".join(f"{part}." for part in (_written(origin), _changed(origin)) if part)


def _written(origin: Origin) -> str:
    when = f" {_day(origin.written)}" if origin.written is not None else ""
    who = _who(origin)
    return f"Written{when}{who}" if when or who else ""


def _who(origin: Origin) -> str:
    share = origin.own_share
    if share == 1:
        return " by you"
    if share:
        return ""  # what was found about the note says how much
    if origin.author:
        return f" by {isolated(origin.author)}"
    return " by others" if share == 0 else ""


def _changed(origin: Origin) -> str:
    if origin.changed is None:
        return ""
    day = _day(origin.changed)
    if origin.written is not None and day == _day(origin.written):
        return ""
    return f"Last changed {day}"


def _day(at: float) -> str:
    day = amounts.day(at)
    return day[0].lower() + day[1:]
