"""Reads how version 0.1 stored a run's place on the memory ladder.

`plan.json` said how many steps down the plan was (`down`), `frugality.json` how many were added
after bad ends. Runs that were begun with it are read here, and go on in the same way.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.memory_ladder import LOW_MEMORY_STEPS, MemoryWay, first_way, ways_from

Steps = Annotated[int, msgspec.Meta(ge=0)]


class Lowered(msgspec.Struct, frozen=True):
    """`frugality.json`: steps added to those of the plan.

    `smaller`: then down to the first way that computes less at once, and `further` steps from it.
    """

    rung: Steps = 0
    smaller: bool = False
    further: Steps = 0


class _Planned(msgspec.Struct, frozen=True):
    down: int = 0


def read_lowered(folder: JobFolder) -> Lowered:
    """What a run of version 0.1 gave up; nothing where no readable file says so."""
    try:
        return msgspec.json.decode((folder.path / "frugality.json").read_bytes(), type=Lowered)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return Lowered()


def read_planned_steps(folder: JobFolder) -> int:
    """How many steps down a plan of version 0.1 was; 0 without a readable one."""
    try:
        return msgspec.json.decode((folder.path / "plan.json").read_bytes(), type=_Planned).down
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return 0


def way_at(
    planned: int, lowered: Lowered, batch_tokens: int, dropout: float, low_memory: bool
) -> MemoryWay:
    """The way that these numbers meant, on a machine with `batch_tokens` tokens in a batch."""
    ways = ways_from(first_way(batch_tokens, dropout), dropout)
    place = LOW_MEMORY_STEPS * low_memory + planned + lowered.rung
    if lowered.smaller:
        while place < len(ways) and ways[place].at_once == ways[0].at_once:
            place += 1
        place += lowered.further
    return ways[min(place, len(ways) - 1)]
