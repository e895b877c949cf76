"""Whose turn it is: the runs of a library train one after the other.

No file lists them. Every waiting run has a process of its own, and each process derives the same
order from the folders of the runs; the first one takes the lock of the library's GPU lane.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mlx_backend.errors import OvernightError
from mlx_backend.jobs.event_reader import EventReader
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.status import JobStatus
from mlx_backend.library.home import Library
from mlx_backend.locks import is_held
from mlx_backend.protocol import Patience, TrainSpec, Waiting, WaitReason

_MADE = "%Y%m%d-%H%M%S"
_MADE_LENGTH = len("20261124-230000")

Place = tuple[float, str]


def place(run_id: str, spec: TrainSpec) -> Place:
    """A run's place in the queue: by the time from which it may train, then by its id."""
    try:
        made = float(calendar.timegm(time.strptime(run_id[:_MADE_LENGTH], _MADE)))
    except ValueError:
        made = 0.0
    return max(made, spec.start_at or 0.0), run_id


class Queue:
    """The queue of runs, seen from one of them. `clock` gives the Unix time."""

    def __init__(
        self,
        library: Library,
        folder: JobFolder,
        spec: TrainSpec,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._library = library
        self._folder = folder
        self._spec = spec
        self._clock = clock
        self._others: dict[str, _Other] = {}

    def turn(self) -> Waiting | None:
        """Why this run may not begin yet; None when it is its turn."""
        if self._spec.start_at is not None and self._clock() < self._spec.start_at:
            at = time.strftime("%H:%M", time.localtime(self._spec.start_at))
            return Waiting(reason="time", text=f"It starts at {at}.", until=self._spec.start_at)
        others = self._living()
        if is_held(self._library.lane):
            return _behind([other for other in others if other.status.waiting is None])
        mine = place(self._folder.id, self._spec)
        first = [other for other in others if other.place < mine and self._yields_to(other)]
        return _behind(first) if first else None

    def _yields_to(self, other: _Other) -> bool:
        """Whether this run lets another one, which came before it, go first."""
        if other.folder.stop_requested() or other.folder.pause_requested():
            return False
        waiting = other.status.waiting
        if waiting is None or waiting.reason == "turn":
            return True
        if waiting.needed_bytes:
            return False  # a smaller one may fit meanwhile
        # Where both wait for the same condition, they keep their order.
        return waiting.reason in _waits_of(self._spec.patience)

    def _living(self) -> list[_Other]:
        """The other runs that have a living process, with their state now."""
        living = {}
        for folder in JobFolder.all(self._library.runs):
            if folder.id != self._folder.id and is_held(folder.path / "lock"):
                other = self._others.get(folder.id) or _Other.of(folder)
                if other is not None:
                    other.refresh()
                    living[folder.id] = other
        self._others = living
        return sorted(living.values(), key=lambda other: other.place)


@dataclass
class _Other:
    """Another run, whose events are read from where the last reading ended."""

    folder: JobFolder
    spec: TrainSpec
    reader: EventReader
    status: JobStatus = field(default_factory=JobStatus)

    @classmethod
    def of(cls, folder: JobFolder) -> _Other | None:
        try:
            spec = folder.spec()
        except (OvernightError, OSError):
            return None  # it will say so itself
        return cls(folder, spec, folder.reader()) if isinstance(spec, TrainSpec) else None

    @property
    def place(self) -> Place:
        return place(self.folder.id, self.spec)

    def refresh(self) -> None:
        for event in self.reader.read_new():
            self.status.apply(event)


def _waits_of(patience: Patience) -> set[WaitReason]:
    chosen: list[tuple[bool, WaitReason]] = [
        (patience.on_battery, "battery"),
        (patience.when_hot, "heat"),
        (patience.when_memory_is_short, "memory"),
        (True, "disk"),
    ]
    return {reason for waits, reason in chosen if waits}


def _behind(first: list[_Other]) -> Waiting:
    if len(first) == 1:
        text = f"It starts when '{first[0].spec.name}' is done."
    elif first:
        text = f"It starts when {len(first)} other runs are done; '{first[0].spec.name}' is next."
    else:
        text = "It starts when other work with a model is done."
    return Waiting(reason="turn", text=text)
