"""Whether chat and server may hold a model while a job needs the memory, to train in above all.

A run that trains keeps the memory that it has, a job that waits for memory gets that of the model,
and until it ends no model is loaded that would not fit beside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.event_reader import EventReader
from mlx_backend.jobs.memory_wait import available_memory
from mlx_backend.jobs.status import JobStatus
from mlx_backend.library.home import Library
from mlx_backend.library.models import read_model
from mlx_backend.locks import is_held

LOOK_S = 5.0
"""How often it is looked whether a run wants the memory."""

_IDLE_S = 600.0


class Room:
    """The memory that jobs leave. `available` gives the free bytes."""

    def __init__(self, library: Library, available: Callable[[], int] = available_memory) -> None:
        self._library = library
        self._available = available
        self._followed: dict[str, tuple[EventReader, JobStatus]] = {}

    def check(self, base: str) -> None:
        """Raise OvernightError where a base model that is not loaded must not be loaded now."""
        needs = self._needs()
        if not (needs or self.is_training):
            return
        size, free = self._size(base), self._available()
        if size > free - min(needs, default=0):
            raise OvernightError(
                ErrorKind.BUSY,
                f"A run or other work needs the memory: '{base}' takes about {size / 1e9:.1f} GB,"
                f" and {max(0, free) / 1e9:.1f} GB are free.",
                "Ask again when that has ended, or ask a smaller model.",
            )

    def is_wanted(self, held_bytes: int) -> bool:
        """Whether a job waits for memory, and would have enough if the model were let go."""
        needs = self._needs() if held_bytes else []
        return bool(needs) and min(needs) <= self._available() + held_bytes

    @property
    def is_training(self) -> bool:
        """Whether a run, or another work for which there is one lane, is under way."""
        return is_held(self._library.lane)

    def _size(self, base: str) -> int:
        """The memory (bytes) of a chat with a model; 0 where that is not known."""
        try:
            return read_model(self._library.models, base).fit.chat_bytes
        except OvernightError:
            return 0  # loading it says what is wrong

    def _needs(self) -> list[int]:
        """The memory (bytes) for which living jobs wait, each."""
        there = (*JobFolder.all(self._library.runs), *JobFolder.all(self._library.jobs))
        living = [folder for folder in there if is_held(folder.path / "lock")]
        self._followed = {
            folder.id: self._followed.get(folder.id) or (folder.reader(), JobStatus())
            for folder in living
        }
        return [need for each in self._followed.values() if (need := _need(*each))]


class Stay:
    """How long a model that is loaded may stay."""

    def __init__(self, room: Room, clock: Callable[[], float] = time.monotonic) -> None:
        self._room = room
        self._clock = clock
        self._looked_at = self._asked_at = clock()

    def asked(self) -> None:
        """The model was asked something just now."""
        self._asked_at = self._clock()

    def is_over(self, held_bytes: int) -> Literal["idle", "run"] | None:
        """Why to let go of a model of this size: nobody asked for ten minutes, or a run waits.

        None: it may stay. Looks at the runs every five seconds at most.
        """
        now = self._clock()
        if not held_bytes or now - self._looked_at < LOOK_S:
            return None
        self._looked_at = now
        if now - self._asked_at >= _IDLE_S:
            return "idle"
        return "run" if self._room.is_wanted(held_bytes) else None


def _need(reader: EventReader, status: JobStatus) -> int:
    for event in reader.read_new():
        status.apply(event)
    return status.waiting.needed_bytes if status.waiting else 0
