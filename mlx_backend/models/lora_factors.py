"""The trained factors of an adapter, read from its files and checked against the base model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.tuner.lora import LoRAEmbedding

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import CONFIG, WEIGHTS, Adapter
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.models.architecture import (
    Adapted,
    Embedding,
    Experts,
    Linear,
    inputs_of,
    outputs_of,
)


@dataclass(frozen=True)
class Factors:
    """A trained layer: A, B, the scale of their product, and the row norms of DoRA, (outputs,).

    Of a layer of experts, A is (experts, rank, inputs) and B is (experts, outputs, rank); of
    embeddings, A is (tokens, rank) and B is (rank, width).
    """

    a: mx.array
    b: mx.array
    scale: float
    norms: mx.array | None


def layers_of(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Names in the base model and layers that can be adapted, also those that an adapter wraps."""
    modules: dict[str, nn.Module] = dict(model.named_modules())
    wrapped: dict[str, str] = {
        f"{name}.{'embedding' if isinstance(each, LoRAEmbedding) else 'linear'}": name
        for name, each in modules.items()
        if isinstance(each, Adapted | LoRAEmbedding)
    }
    return [
        (wrapped.get(name, name), module)
        for name, module in modules.items()
        if isinstance(module, Linear | Experts | Embedding)
    ]


def read_factors(adapter: Adapter, base: Mapping[str, nn.Module]) -> dict[str, Factors]:
    """The factors of an adapter by the names of the layers, which `base` has.

    Raises OvernightError when the adapter is damaged or does not fit its base model.
    """
    factors = factors_of(adapter)
    for name, each in factors.items():
        if name not in base or not fits(base[name], each):
            raise OvernightError(
                ErrorKind.ADAPTER_DAMAGED,
                f"The adapter '{adapter.card.name}' does not fit its base model.",
                "Train it again with this base model.",
                name,
            )
    return factors


def factors_of(adapter: Adapter) -> dict[str, Factors]:
    """The factors of an adapter by the names of the layers, without a look at its base model.

    Raises OvernightError when the adapter is damaged.
    """
    try:
        return factors_in(adapter.path)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise damaged(adapter, error) from error


def damaged(adapter: Adapter, error: Exception) -> OvernightError:
    """The error for an adapter whose files cannot be read."""
    return OvernightError(
        ErrorKind.ADAPTER_DAMAGED,
        f"The adapter '{adapter.card.name}' is damaged.",
        f'Remove it with `overnight remove "{adapter.card.name}"` and train it again.',
        f"{type(error).__name__}: {error}",
    )


def factors_in(folder: Path) -> dict[str, Factors]:
    """The factors in a folder as mlx-lm has them, by the names of the layers.

    Raises OSError, RuntimeError, ValueError, KeyError or TypeError where they are damaged.
    """
    config = json.loads((folder / CONFIG).read_bytes())
    scale = float(config["lora_parameters"]["scale"])
    decomposed = config.get("fine_tune_type") == "dora"
    tensors = load_tensors(folder / WEIGHTS)
    layers = {name.rpartition(".")[0] for name in tensors}
    parts = {"lora_a", "lora_b", "m"} if decomposed else {"lora_a", "lora_b"}
    stray = [name for name in tensors if name.rpartition(".")[2] not in parts]
    if stray:
        raise ValueError(f"'{stray[0]}' is no part of an adapter")
    if not layers or not math.isfinite(scale):
        raise ValueError(f"{len(layers)} layers at scale {scale}")
    return {
        name: Factors(
            tensors[f"{name}.lora_a"],
            tensors[f"{name}.lora_b"],
            scale,
            tensors[f"{name}.m"] if decomposed else None,
        )
        for name in layers
    }


def tensors_of(factors: Mapping[str, Factors]) -> dict[str, mx.array]:
    """The factors of an adapter as the tensors of mlx-lm's file, which are all of one scale."""
    tensors: dict[str, mx.array] = {}
    for name, each in factors.items():
        tensors |= {f"{name}.lora_a": each.a, f"{name}.lora_b": each.b}
        if each.norms is not None:
            tensors[f"{name}.m"] = each.norms
    return tensors


def fits(linear: nn.Module, factors: Factors) -> bool:
    """Whether factors have the shapes that a layer of the base model needs."""
    a, b, norms = factors.a, factors.b, factors.norms
    rows, columns = outputs_of(linear), inputs_of(linear)
    if isinstance(linear, Experts):
        if a.ndim != 3 or b.ndim != 3:
            return False
        rank, experts = a.shape[1], linear.num_experts
        return a.shape == (experts, rank, columns) and b.shape == (experts, rows, rank)
    if isinstance(linear, Embedding):
        is_flat = norms is None and a.ndim == b.ndim == 2
        return is_flat and a.shape == (rows, b.shape[0]) and b.shape[1] == columns
    if norms is not None and norms.shape != (rows,):
        return False
    return a.ndim == b.ndim == 2 and a.shape == (columns, b.shape[0]) and b.shape[1] == rows
