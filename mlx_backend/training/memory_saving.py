"""Saving memory, least costly first: what is computed at once, kept, and how long a row may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import mlx.nn as nn

from mlx_backend.jobs.memory_ladder import Lowered
from mlx_backend.machine.library_patches import set_gradient_checkpointing
from mlx_backend.training.batches import ROW_LENGTHS, BatchShape

Recomputed = Literal["nothing", "mlp", "layer"]

_MLP_NAMES = ("mlp", "feed_forward")
_LOW_MEMORY = 2


@dataclass(frozen=True)
class Frugality:
    """One way of computing a step: the batch's shape, and what is recomputed for the gradient.

    What is recomputed in the backward pass need not be kept from the forward pass (Chen et al.,
    arXiv 1604.06174): of a block all, of its MLP a third of the time for half of the memory.
    """

    recomputed: Recomputed = "nothing"
    shape: BatchShape = field(default_factory=BatchShape)

    @property
    def text(self) -> str:
        """What it means, for the person."""
        if self.shape.longest_row < ROW_LENGTHS[-1]:
            return "with the least memory there is, on shorter pieces of text"
        return {
            "nothing": "at full speed",
            "mlp": "with less memory, a little slower",
            "layer": "with little memory, slower",
        }[self.recomputed]


def rungs(positions: int, dropout: float = 0.0, machines: int = 1) -> tuple[Frugality, ...]:
    """The ways from fastest to least memory, for batches of so many positions on each machine.

    With dropout nothing can be recomputed: MLX would drop other units the second time.
    """
    whole = BatchShape(positions=positions * machines, at_once=positions)
    by_row = replace(whole, at_once=min(positions, ROW_LENGTHS[-1]))
    short = replace(by_row, at_once=ROW_LENGTHS[-2], longest_row=ROW_LENGTHS[-2])
    ladder: tuple[Frugality, ...] = (
        Frugality("nothing", whole),
        Frugality("mlp", whole),
        Frugality("layer", whole),
        Frugality("layer", by_row),
        Frugality("layer", short),
    )
    if dropout:
        ladder = tuple(replace(rung, recomputed="nothing") for rung in ladder)
    return tuple(dict.fromkeys(ladder))


def rung(
    number: int, low_memory: bool, positions: int, dropout: float, machines: int = 1
) -> Frugality:
    """The way at `number` steps down the ladder, begun further down to save memory from the start.

    The last one is not left again.
    """
    ladder = rungs(positions, dropout, machines)
    return ladder[min(number + _LOW_MEMORY * low_memory, len(ladder) - 1)]


def steps_down(
    planned: int, lowered: Lowered, ladder: Sequence[Frugality], low_memory: bool
) -> int:
    """How far down the ladder a run is that gave up so much since it was `planned` so far down."""
    down = planned + lowered.rung
    if not lowered.smaller:
        return down
    begun = _LOW_MEMORY * low_memory
    place = begun + down
    while place < len(ladder) and ladder[place].shape.at_once == ladder[0].shape.at_once:
        place += 1
    return place - begun + lowered.further


def recompute(model: nn.Module, what: Recomputed) -> None:
    """Turn gradient checkpointing on for these parts of each block, and off for all others."""
    for layer in model.layers:
        mlp = next((layer[name] for name in _MLP_NAMES if name in layer), None)
        set_gradient_checkpointing(layer, what == "layer" or (what == "mlp" and mlp is None))
        if mlp is not None:
            set_gradient_checkpointing(mlp, what == "mlp")
