"""When a run must end: within its hours, and by the moment that the person chose."""

from __future__ import annotations

import time

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.night.shares import RESERVE
from mlx_backend.protocol import TrainSpec


def latest_end(spec: TrainSpec, began: float, spent: float = 0.0) -> float | None:
    """The Unix time by which the whole run must end; None when nothing bounds it.

    `began` is when the present attempt began (Unix time); `spent` are the seconds that earlier
    attempts used of its hours. The time between attempts does not count.
    """
    ends = []
    if spec.hours is not None:
        ends.append(began + spec.hours * 3600 - spent)
    if spec.finish_by is not None:
        ends.append(spec.finish_by)
    return min(ends, default=None)


def training_deadline(spec: TrainSpec, began: float, spent: float = 0.0) -> float | None:
    """The Unix time by which the training itself must end, so that time is left to file it."""
    end = latest_end(spec, began, spent)
    if end is None:
        return None
    return end - RESERVE * max(0.0, end - began + spent)


def length_of(spec: TrainSpec, began: float, spent: float = 0.0) -> float | None:
    """The seconds of the whole run; None when nothing bounds it. Arguments as in `latest_end`."""
    end = latest_end(spec, began, spent)
    return None if end is None else max(0.0, end - began + spent)


def check_time_is_left(spec: TrainSpec, now: float) -> None:
    """Raise OvernightError where a run that has learned nothing yet is past its end."""
    if spec.finish_by is not None and now >= spec.finish_by:
        moment = time.strftime("%A %H:%M", time.localtime(spec.finish_by))
        raise OvernightError(
            ErrorKind.RUN_STATE,
            f"'{spec.name}' was to be done by {moment}, and that was over before it could begin.",
            "Let it go on, and it takes the time that it was meant to have; or start it anew with a"
            " later hour.",
        )
