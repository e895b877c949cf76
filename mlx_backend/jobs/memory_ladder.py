"""The ways to compute a step, fastest first: a run steps down when memory is short.

A way is stored as it is, not as a number of steps below another one. Every way learns the same,
but for the last, which cuts long samples shorter. No MLX here: the supervisor, which outlives a
training that runs out of memory, chooses the way of the next attempt.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder

Recomputed = Literal["nothing", "mlp", "layer"]
"""What the backward pass computes again instead of keeping it from the forward pass."""

LONG_ROW, SHORT_ROW = 512, 256
"""Tokens in a row: usually, and in the way that takes the least memory."""

LOW_MEMORY_STEPS = 2
"""How far below the fastest way a run begins for a person who chose to save memory."""

_LIMIT = "memory_way.json"
_COMPUTED = "computed_way.json"
_TEXTS: dict[Recomputed, str] = {
    "nothing": "at full speed",
    "mlp": "with less memory, a little slower",
    "layer": "with little memory, slower",
}

Tokens = Annotated[int, msgspec.Meta(gt=0)]


class MemoryWay(msgspec.Struct, frozen=True):
    """One way of computing a training step.

    `at_once` is how many tokens go through the model at once: a larger batch is computed in parts
    whose gradients are added up. `longest_row` is how many tokens of a sample are learned.
    """

    recomputed: Recomputed
    at_once: Tokens
    longest_row: Tokens = LONG_ROW

    @property
    def text(self) -> str:
        """What it means for the person; completes the sentence "The training runs ..."."""
        if self.longest_row < LONG_ROW:
            return "with the least memory there is, on shorter pieces of text"
        return _TEXTS[self.recomputed]


def first_way(batch_tokens: int, dropout: float, low_memory: bool = False) -> MemoryWay:
    """The way in which a run begins, with `batch_tokens` tokens in a batch on each machine.

    That is the fastest one, or, for a person who chose to save memory, the second below it.
    """
    way = MemoryWay("nothing", at_once=batch_tokens)
    for _ in range(LOW_MEMORY_STEPS * low_memory):
        way = thriftier(way, dropout) or way
    return way


def thriftier(way: MemoryWay, dropout: float) -> MemoryWay | None:
    """The next way, which takes less memory; None when there is none.

    With dropout nothing can be recomputed: MLX would drop other units the second time.
    """
    if way.recomputed == "nothing" and not dropout:
        return msgspec.structs.replace(way, recomputed="mlp")
    if way.recomputed == "mlp":
        return msgspec.structs.replace(way, recomputed="layer")
    if way.at_once > LONG_ROW:
        return msgspec.structs.replace(way, at_once=LONG_ROW)
    if way.longest_row > SHORT_ROW:
        return msgspec.structs.replace(way, at_once=SHORT_ROW, longest_row=SHORT_ROW)
    return None


def is_thriftiest(way: MemoryWay, dropout: float) -> bool:
    """Whether no other way takes less memory."""
    return thriftier(way, dropout) is None


def ways_from(way: MemoryWay, dropout: float) -> tuple[MemoryWay, ...]:
    """A way and all that take less memory, in order."""
    ways = [way]
    while (following := thriftier(ways[-1], dropout)) is not None:
        ways.append(following)
    return tuple(ways)


def with_less_at_once(way: MemoryWay, dropout: float) -> MemoryWay:
    """The next way that keeps the GPU busy for a shorter time at a stretch, else the thriftiest."""
    ways = ways_from(way, dropout)
    return next((each for each in ways if each.at_once < way.at_once), ways[-1])


def thriftiest(way: MemoryWay, dropout: float) -> MemoryWay:
    """The way that takes the least memory."""
    return ways_from(way, dropout)[-1]


def thriftier_of(way: MemoryWay, other: MemoryWay | None) -> MemoryWay:
    """The one of two ways that takes less memory; `way` where there is no other."""
    return way if other is None else min(way, other, key=_place)


def read_way(folder: JobFolder) -> MemoryWay | None:
    """The way that a run computed last, or the thriftier one that it must take since.

    None where no readable file tells either.
    """
    computed, limit = read_computed_way(folder), read_limit(folder)
    return limit if computed is None else thriftier_of(computed, limit)


def read_limit(folder: JobFolder) -> MemoryWay | None:
    """The way chosen after bad ends, than which a run takes no faster one; None without any."""
    return _read(folder, _LIMIT)


def write_way(folder: JobFolder, way: MemoryWay) -> None:
    """Have a run take no faster way than this from its next start on.

    Raises OSError when that fails.
    """
    if way != read_limit(folder):
        write_atomically(folder.path / _LIMIT, msgspec.json.encode(way))


def remove_limit(folder: JobFolder) -> None:
    """Let a run take any way again."""
    (folder.path / _LIMIT).unlink(missing_ok=True)


def read_computed_way(folder: JobFolder) -> MemoryWay | None:
    """What `write_computed_way` wrote last; None where that cannot be read."""
    return _read(folder, _COMPUTED)


def write_computed_way(folder: JobFolder, way: MemoryWay) -> None:
    """Record the way in which a run computes now, below which bad ends make it go.

    Raises OSError when that fails.
    """
    if way != read_computed_way(folder):
        write_atomically(folder.path / _COMPUTED, msgspec.json.encode(way))


def _place(way: MemoryWay) -> tuple[int, int, int]:
    """Sorts ways by the memory that they take, the least first."""
    return way.longest_row, way.at_once, -list(_TEXTS).index(way.recomputed)


def _read(folder: JobFolder, name: str) -> MemoryWay | None:
    try:
        return msgspec.json.decode((folder.path / name).read_bytes(), type=MemoryWay)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None
