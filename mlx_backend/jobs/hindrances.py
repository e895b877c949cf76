"""What keeps a run from computing at this moment: the person, the clock, the machine, the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mlx_backend.jobs.disk import has_room, room_needed
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.memory_wait import MemoryWait
from mlx_backend.jobs.surroundings import Every, Surroundings
from mlx_backend.protocol import Waiting

_TURN_S = 1.0

_log = logging.getLogger(__name__)


class Hindrances:
    """Looks at what is cheap often, and at machine and disk every `look` seconds.

    `rests` are the least seconds until memory that was refused is asked for again.
    """

    def __init__(
        self,
        folder: JobFolder,
        surroundings: Surroundings,
        look: float,
        rests: Sequence[float] = (0.0,),
    ) -> None:
        self._folder = folder
        self._room_needed = 0
        self._turn = _Throttled(surroundings.turn, min(look, _TURN_S))
        self._room = _Throttled(self._disk, look)
        self._obstacle = _Throttled(surroundings.obstacle, look)
        self._memory = MemoryWait(rests)

    def to_begin(self) -> Waiting | None:
        """Why the training cannot begin, or go on after a pause; None when it can."""
        return self._pause() or self._room() or self._turn() or self._memory() or self._obstacle()

    def to_go_on(self) -> Waiting | None:
        """Why the training that is under way should save and wait; None when it need not."""
        return self._pause() or self._obstacle()

    def need_room(self) -> bool:
        """The disk refused a write: go on only once it takes what comes next.

        Returns whether there is room already, so that the fault was another one.
        """
        self._room_needed = room_needed(self._folder)
        self._room.look_again()
        return self._room() is None

    def need_memory(self, waiting: Waiting, times: int) -> None:
        """The training found the memory taken, so many times in a row: wait until it is free."""
        self._memory.refuse(waiting, times)

    def _pause(self) -> Waiting | None:
        if not self._folder.pause_requested():
            return None
        return Waiting(reason="paused", text="Paused. It goes on when you continue it.")

    def _disk(self) -> Waiting | None:
        if not self._room_needed:
            return None
        if has_room(self._folder, self._room_needed):
            self._room_needed = 0
            return None
        megabytes = self._room_needed / 1e6
        return Waiting(
            reason="disk",
            text=f"The disk is full or cannot be written. It goes on by itself when"
            f" {megabytes:,.0f} MB are free; nothing that was saved is lost.",
        )


class _Throttled:
    """Asks again only every so many seconds; says what was said last meanwhile."""

    def __init__(self, ask: Callable[[], Waiting | None], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._answer: Waiting | None = None
        self.look_again()

    def __call__(self) -> Waiting | None:
        if self._due.is_due():
            try:
                self._answer = self._ask()
            except OSError as error:  # what cannot be read now may be read the next time
                _log.warning("it is not known what hinders: %s", error)
        return self._answer

    def look_again(self) -> None:
        """Ask at the next call in any case."""
        self._due = Every(self._seconds)
