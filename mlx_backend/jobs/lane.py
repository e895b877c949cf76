"""The lane of the GPU: work with a base model takes turns with runs that train.

The holder waits at most ten seconds for memory and for nothing else, so there is no deadlock.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlx_backend import protocol
from mlx_backend.errors import OvernightError
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.memory_wait import available_memory
from mlx_backend.library.home import Library
from mlx_backend.library.models import read_model
from mlx_backend.locks import FileLock, is_held

_LOOK_EVERY_S = 0.2
_ROOM_PATIENCE_S = 10.0  # the chat of a window gives its model's memory back within a second or two


@dataclass(frozen=True)
class Turn:
    """Who waits for the lane.

    tell: gets the events `Waiting` and `WaitOver`. stop_if_asked: called while it waits; ends the
    wait by raising. asks_for_memory: whether `tell` writes to a job's folder, which is where those
    who hold a model read that memory is wanted; else nobody would give any.
    """

    tell: Callable[[protocol.JobEvent], object] = lambda _: None
    stop_if_asked: Callable[[], None] = lambda: None
    asks_for_memory: bool = False


NOBODY = Turn()
"""Nobody is told, and nobody stops the wait."""


@contextlib.contextmanager
def in_the_lane(library: Library, turn: Turn, base: str = "") -> Iterator[None]:
    """Hold the lane of a library for a block; wait for it, and tell that.

    base: the base model that will be loaded. Where it does not fit into the memory that is free,
    and `turn` can ask, those who hold another model are asked for theirs. It goes on in any case.
    """
    lane = FileLock(library.lane)
    if not lane.acquire():
        turn.tell(protocol.Waiting(reason="turn", text=_what_for(library)))
        while not lane.acquire():
            turn.stop_if_asked()
            time.sleep(_LOOK_EVERY_S)
        turn.tell(protocol.WaitOver())
    try:
        if base and turn.asks_for_memory:
            _ask_for_room(library, turn, base)
        yield
    finally:
        lane.release()


def _what_for(library: Library) -> str:
    living = (f for f in JobFolder.all(library.runs) if is_held(f.path / "lock"))
    if any(folder.status().waiting is None for folder in living):
        return "It waits for the training to finish."
    return "It waits for other work with a model to finish."


def _ask_for_room(library: Library, turn: Turn, base: str) -> None:
    try:
        needed = read_model(library.models, base).fit.chat_bytes
    except OvernightError:
        return  # loading it says what is wrong
    if needed <= available_memory():
        return
    text = "It waits a moment for memory that the chat may give back."
    turn.tell(protocol.Waiting(reason="memory", text=text, needed_bytes=needed))
    until = time.monotonic() + _ROOM_PATIENCE_S
    while needed > available_memory() and time.monotonic() < until:
        turn.stop_if_asked()
        time.sleep(_LOOK_EVERY_S)
    turn.tell(protocol.WaitOver())
