"""Why a run has to wait: the person paused it, its time or turn, the machine, memory, the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from mlx_backend.jobs.disk import has_room, room_needed
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.machine_services import Every, MachineServices
from mlx_backend.jobs.memory_wait import MemoryWait
from mlx_backend.protocol import Waiting

_TURN_S = 1.0

_log = logging.getLogger(__name__)


class WaitReasons:
    """Finds out whether a run has to wait.

    Requests of the person are looked for at every call, the machine and the disk every `look`
    seconds. `memory_rests`: the least seconds to wait for memory, by the number of refusals.
    """

    def __init__(
        self,
        folder: JobFolder,
        machine: MachineServices,
        look: float,
        memory_rests: Sequence[float] = (0.0,),
    ) -> None:
        self._folder = folder
        self._room_needed = 0
        self._turn = _Throttled(machine.turn, min(look, _TURN_S))
        self._room = _Throttled(self._disk, look)
        self._obstacle = _Throttled(machine.obstacle, look)
        self._memory = MemoryWait(memory_rests)

    def before_start(self) -> Waiting | None:
        """Why the training cannot begin, or go on after a pause; None when it can."""
        return self._pause() or self._room() or self._turn() or self._memory() or self._obstacle()

    def while_training(self) -> Waiting | None:
        """Why the running training should save and wait; None when it may go on."""
        return self._pause() or self._obstacle()

    def check_room(self) -> bool:
        """Whether the disk takes what the run writes next; if not, the run waits until it does."""
        self._room_needed = room_needed(self._folder)
        self._room.ask_again()
        return self._room() is None

    def wait_for_memory(self, waiting: Waiting, times: int) -> None:
        """The training found too little free memory, for the `times`th time in a row."""
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
    """Asks at most once in `seconds`, and repeats the last answer in between."""

    def __init__(self, ask: Callable[[], Waiting | None], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._answer: Waiting | None = None
        self.ask_again()

    def __call__(self) -> Waiting | None:
        if self._due.is_due():
            try:
                self._answer = self._ask()
            except OSError as error:  # the next look may succeed
                _log.warning("it cannot be found out whether to wait: %s", error)
        return self._answer

    def ask_again(self) -> None:
        """Ask at the next call in any case."""
        self._due = Every(self._seconds)
