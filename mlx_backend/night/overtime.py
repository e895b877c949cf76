"""More time for a run that the person resumes after the moment by which it had to end.

It gets the time that it had left when it was interrupted, counted from when it computes again;
waiting for memory does not count. A run that is resumed automatically, such as after a restart,
gets none: it files what it has learned so far.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.protocol import Notice, StageBegan, StepDone, TrainSpec

_FILE = "overtime.json"


class _Overtime(msgspec.Struct, frozen=True):
    """The seconds granted, and until when (Unix time); None until the run begins again."""

    left: float
    finish_by: float | None = None


class _Recorded(msgspec.Struct, frozen=True):
    seconds: float = 0.0


def grant_time(folder: JobFolder, now: float | None = None) -> None:
    """The person resumes this run: if the moment by which it had to end is past, grant more time.

    Raises OvernightError when the run's spec cannot be read, OSError when nothing can be written.
    """
    spec = folder.spec()
    if not isinstance(spec, TrainSpec) or spec.finish_by is None:
        return
    granted = _granted(folder)
    end = spec.finish_by if granted is None else granted.finish_by
    if end is None or (time.time() if now is None else now) < end:
        return
    left = _time_left(folder, spec.finish_by, spec.start_at or 0.0)
    if left > 0:
        write_atomically(_path(folder), msgspec.json.encode(_Overtime(left)))


def with_time_granted(folder: JobFolder, spec: TrainSpec, now: float | None = None) -> TrainSpec:
    """The spec with the end that was granted, if any; the first time, the person is told."""
    granted = _granted(folder)
    if granted is None or spec.finish_by is None:
        return spec
    if granted.finish_by is None:
        began = time.time() if now is None else now
        granted = msgspec.structs.replace(granted, finish_by=began + granted.left)
        write_atomically(_path(folder), msgspec.json.encode(granted))
        folder.append(Notice(text=_said(spec.finish_by, began + granted.left)))
    return msgspec.structs.replace(spec, finish_by=granted.finish_by)


def keep_time_granted(folder: JobFolder, now: float | None = None) -> None:
    """The run has to wait: the rest of the granted time counts again from when it goes on.

    Raises OSError when nothing can be written.
    """
    granted = _granted(folder)
    if granted is None or granted.finish_by is None:
        return
    left = granted.finish_by - (time.time() if now is None else now)
    if left > 0:
        write_atomically(_path(folder), msgspec.json.encode(_Overtime(left)))


def _said(asked: float, granted: float) -> str:
    asked_text, granted_text = (
        time.strftime("%A %H:%M", time.localtime(moment)) for moment in (asked, granted)
    )
    return (
        f"This was to be done by {asked_text}, which is over. It goes on for the time that it had"
        f" left, until {granted_text} at the latest."
    )


def _time_left(folder: JobFolder, finish_by: float, start_at: float) -> float:
    """The seconds that a run had for its work and has not used; all if it saved nothing."""
    learned = folder.newest_checkpoint() or 0
    events = folder.reader().read_new()
    moments = [event.at for event in events if isinstance(event, StageBegan)]
    launched = events[0].at if events else finish_by
    began = min([moment for moment in moments if moment < finish_by], default=launched)
    window = finish_by - max(began, start_at)
    if not learned:
        return window
    steps = [e for e in events if isinstance(e, StepDone) and e.step <= learned]
    beside_s = _seconds_in(folder.study_record) + _seconds_in(folder.preparing_record)
    return window - (steps[-1].elapsed_s if steps else 0.0) - beside_s


def _seconds_in(record: Path) -> float:
    """The seconds that a part of the run took by its record; 0 where none can be read."""
    try:
        return msgspec.json.decode(record.read_bytes(), type=_Recorded).seconds
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return 0.0


def _granted(folder: JobFolder) -> _Overtime | None:
    """The granted time; None where no readable file says so."""
    try:
        return msgspec.json.decode(_path(folder).read_bytes(), type=_Overtime)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None


def _path(folder: JobFolder) -> Path:
    return folder.path / _FILE
