"""What the forms of other programs have to know of a base model's layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mlx.nn as nn

from mlx_backend.models.architecture import Embedding, head_of
from mlx_backend.models.lora_factors import layers_of


@dataclass(frozen=True)
class BaseLayers:
    """The layers of a base model.

    names: all that can be adapted. embeddings: those of them that embed tokens. tied_head: the
    embeddings that are also the output layer; None where that is a layer of its own.
    """

    names: Sequence[str]
    embeddings: frozenset[str] = frozenset()
    tied_head: str | None = None


def base_layers(model: nn.Module) -> BaseLayers:
    """The layers of a model, with or without an adapter on it."""
    layers = dict(layers_of(model))
    embeddings = frozenset(name for name, each in layers.items() if isinstance(each, Embedding))
    head = head_of(model)
    tied = next((name for name in embeddings if layers[name] is head), None)
    return BaseLayers(tuple(layers), embeddings, tied)
