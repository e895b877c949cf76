"""Gradient checkpointing, and the batch's shape: how a step saves memory."""

from __future__ import annotations

import functools
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from mlx_backend.jobs.memory_ladder import MemoryWay, Recomputed
from mlx_backend.training.batches import BatchShape

__all__ = ["Recomputed", "batch_shape", "recompute"]

_MLP_NAMES = ("mlp", "feed_forward")


def batch_shape(way: MemoryWay, positions: int, machines: int = 1) -> BatchShape:
    """The shape of a batch with so many positions on each machine, computed in this way."""
    return BatchShape(
        positions=positions * machines,
        at_once=min(way.at_once, positions),
        longest_row=way.longest_row,
    )


def recompute(model: nn.Module, what: Recomputed) -> None:
    """Recompute parts of the model in the backward pass (gradient checkpointing).

    Their activations are not kept from the forward pass (Chen et al., arXiv 1604.06174). The MLPs
    alone cost a third of the time for half of the memory. The classes of these modules are
    replaced by ones that recompute; "nothing" puts their own classes back.
    """
    for layer in model.layers:
        mlp = next((layer[name] for name in _MLP_NAMES if name in layer), None)
        _set_recomputing(layer, what == "layer" or (what == "mlp" and mlp is None))
        if mlp is not None:
            _set_recomputing(mlp, what == "mlp")


def _set_recomputing(module: nn.Module, wanted: bool) -> None:
    own: type[nn.Module] = getattr(type(module), "recomputes", type(module))
    module.__class__ = _recomputing(own) if wanted else own


@functools.cache
def _recomputing(own: type[nn.Module]) -> type[nn.Module]:
    def call(self: nn.Module, hidden: mx.array, *args: Any, **kwargs: Any) -> Any:
        # MLX differentiates with respect to every argument of `compute`, and a GPU's attention has
        # no gradient for its mask. So the mask and the other arguments come in as a closure.
        def compute(parameters: dict[str, Any], hidden: mx.array) -> Any:
            self.update(parameters)
            return own.__call__(self, hidden, *args, **kwargs)

        if not self.training:
            return own.__call__(self, hidden, *args, **kwargs)
        return mx.checkpoint(compute)(self.trainable_parameters(), hidden)

    members = {"__call__": call, "__module__": own.__module__, "recomputes": own}
    return type(own.__name__, (own,), members)
