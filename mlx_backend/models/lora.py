"""Low-rank adapters (LoRA and DoRA) on a loaded model: attaching, detaching, mixing, files.

LoRA: Hu et al., arXiv 2106.09685; DoRA: Liu et al., arXiv 2402.09353; rank-stabilised LoRA:
Kalajdzievski, arXiv 2312.03732. The layers are mlx-lm's, so that mlx-lm loads what we save.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_unflatten
from mlx_lm.tuner.dora import DoRALinear
from mlx_lm.tuner.lora import LoRAEmbedding, LoRALinear, LoRASwitchLinear

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.library.adapters import CONFIG, WEIGHTS, Adapter
from mlx_backend.machine.arrays import flatten
from mlx_backend.models.architecture import (
    Adapted,
    Embedding,
    Experts,
    adaptable,
    head_of,
    token_embeddings,
)
from mlx_backend.models.lora_factors import Factors, layers_of, read_factors
from mlx_backend.protocol import AdapterKind

_RANK_OF_SCALE = 16


@dataclass(frozen=True)
class LoraShape:
    """An adapter's shape: a layer's output changes by `scale * x @ A @ B`.

    A is (inputs, rank), B is (rank, outputs). `dropout` is the probability for x while training.
    With `decomposed` (DoRA) the norm of each row of the changed weights is learned separately.
    `skipped` are the names within a block of layers that get no adapter, because their model does
    not call them as layers. With `embeddings` the token embeddings E change by `scale * A @ B`,
    where A is (tokens, rank) and B is (rank, width); of a head that is tied to them, so do the
    weights.
    """

    rank: int
    scale: float
    dropout: float = 0.0
    decomposed: bool = False
    skipped: tuple[str, ...] = ()
    embeddings: bool = False

    @classmethod
    def of(cls, kind: AdapterKind, rank: int, scale: float, dropout: float = 0.0) -> LoraShape:
        """The shape for a kind of adapter.

        For "rslora", `scale` holds for rank 16 and is multiplied by sqrt(16 / rank). The paper's
        factor is alpha / sqrt(rank); here alpha is 4 * scale, so that at rank 16, for which scale
        and learning rate were chosen, rsLoRA equals LoRA, whose scale is the same for every rank.
        """
        # Held-out loss of the starter at rank 64 after three passes at the default learning rate:
        # scale 1 (this) 3.41; 2 (as LoRA) 3.41; 0.25 (alpha = scale) 3.48; 16 (alpha = scale *
        # rank) 3.81, after it had risen from 4 to 6.
        if kind == "rslora":
            scale *= math.sqrt(_RANK_OF_SCALE / rank)
        return cls(rank, scale, dropout, decomposed=kind == "dora")


def attach(model: nn.Module, shape: LoraShape) -> None:
    """Attach a new trainable adapter to every linear layer of every block, experts included.

    If the shape says so, token embeddings get one too. B starts at zero, so the model's output does
    not change until it is trained. Of the kind DoRA, experts and embeddings get none: mlx-lm has no
    such layer for the first, and that for embeddings neither knows quantised ones nor keeps bf16.
    """
    detach(model)
    # mlx-lm's layers, because others are not faster (tests/benchmarks/test_lora_path.py): a step of
    # the starter takes 0.99 of the time if B is scaled, 1.00 with addmm, 2.07 with merged weights.
    for layer in model.layers:
        layer.update_modules(
            tree_unflatten(
                [
                    (key, kind.from_base(linear, shape.rank, shape.dropout, shape.scale))
                    for key, linear in adaptable(layer)
                    if key not in shape.skipped
                    and (kind := _kind_for(linear, shape.decomposed)) is not None
                ]
            )
        )
    if shape.embeddings and not shape.decomposed:
        around = (shape.rank, shape.dropout, shape.scale)
        found = [(key, LoRAEmbedding.from_base(e, *around)) for key, e in token_embeddings(model)]
        model.update_modules(tree_unflatten(found))
    model.freeze()
    model.apply_to_modules(_unfreeze_lora)


def detach(model: nn.Module) -> None:
    """Remove all adapters; the base model's own layers were never changed."""
    model.update_modules(
        tree_unflatten(
            [
                (name, module.embedding if isinstance(module, LoRAEmbedding) else module.linear)
                for name, module in model.named_modules()
                if isinstance(module, Adapted | LoRAEmbedding)
            ]
        )
    )


@contextlib.contextmanager
def switched_off(model: nn.Module) -> Iterator[None]:
    """The base model without its adapters, within a block; then they are on it again, unchanged."""
    adapted = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, Adapted | LoRAEmbedding)
    ]
    detach(model)
    try:
        yield
    finally:
        model.update_modules(tree_unflatten(adapted))


def apply_factors(model: nn.Module, factors: Mapping[str, Factors]) -> None:
    """Attach the factors of one adapter, which fit, in place of the adapters attached before."""
    exchange(model, layers_for(dict(layers_of(model)), [(factors, 1.0)]))
    mx.eval(model.parameters())


def apply_adapters(model: nn.Module, adapters: Sequence[tuple[Adapter, float]]) -> None:
    """Attach trained adapters, each times its weight, in place of those attached before.

    Raises OvernightError for an adapter that is damaged or does not fit the model, and as
    `layers_for` does; the adapters attached before are off then.
    """
    detach(model)
    layers = dict(layers_of(model))
    found = [(read_factors(adapter, layers), weight) for adapter, weight in adapters]
    exchange(model, layers_for(layers, found))
    mx.eval(model.parameters())


def layers_for(
    base: Mapping[str, nn.Module], adapters: Sequence[tuple[Mapping[str, Factors], float]]
) -> dict[str, nn.Module]:
    """The layers of adapters around those of `base`, by their names; none of them learns.

    Several with weights are concatenated to one pair of factors: A is [A1 A2 ...] and B is
    [w1 s1 B1; w2 s2 B2; ...] at scale 1, so their changes add up exactly. Raises OvernightError for
    DoRA adapters beside others or with a weight other than 1, because their changes do not add up.
    """
    if any(each.norms is not None for factors, _ in adapters for each in factors.values()):
        _check_alone([weight for _, weight in adapters])
        made = {name: _decomposed(base[name], each) for name, each in adapters[0][0].items()}
    else:
        made = _concatenated(base, adapters)
    for layer in made.values():
        layer.freeze()
    return made


def exchange(model: nn.Module, layers: Mapping[str, nn.Module]) -> None:
    """Attach the layers that `layers_for` made in place of others."""
    detach(model)
    model.update_modules(tree_unflatten(list(layers.items())))


def _concatenated(
    layers: Mapping[str, nn.Module], found: Sequence[tuple[Mapping[str, Factors], float]]
) -> dict[str, nn.Module]:
    pairs: dict[str, tuple[list[mx.array], list[mx.array]]] = {}
    for factors, weight in found:
        for name, each in factors.items():
            left, right = pairs.setdefault(name, ([], []))
            left.append(each.a)
            right.append(each.b * (each.scale * weight))
    adapted: dict[str, nn.Module] = {}
    for name, (left, right) in pairs.items():
        kind = _kind_of_lora(layers[name])
        layer = kind.from_base(layers[name], r=1, scale=1.0)
        layer.lora_a = mx.concatenate(left, axis=1)
        layer.lora_b = mx.concatenate(right, axis=2 if kind is LoRASwitchLinear else 0)
        adapted[name] = layer
    return adapted


def _decomposed(linear: nn.Module, factors: Factors) -> nn.Module:
    layer: nn.Module = DoRALinear.from_base(linear, r=1, scale=factors.scale)
    layer.lora_a, layer.lora_b, layer.m = factors.a, factors.b, factors.norms
    return layer


def _check_alone(weights: Sequence[float]) -> None:
    if list(weights) != [1.0]:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "An adapter of the kind DoRA can only be used alone and at its full weight.",
            "Use it by itself, or train adapters of the kind LoRA to mix them.",
        )


def load_factors(model: nn.Module, adapter: Adapter) -> None:
    """Set the factors of the attached adapter to those of a trained one, to train it further.

    Raises OvernightError when the trained adapter is damaged or does not fit.
    """
    for name, each in read_factors(adapter, dict(layers_of(model))).items():
        values = {f"{name}.lora_a": each.a, f"{name}.lora_b": each.b}
        if each.norms is not None:
            values[f"{name}.m"] = each.norms
        model.update(tree_unflatten(list(values.items())))


def adapter_weights(model: nn.Module) -> dict[str, mx.array]:
    """The trainable parameters, under the names that mlx-lm stores them by."""
    return flatten(model.trainable_parameters())


def write_adapter_files(folder: Path, weights: dict[str, mx.array], config: bytes) -> None:
    """Write the two files that mlx-lm loads an adapter from; `config` is its JSON."""
    mx.save_safetensors(str(folder / WEIGHTS), weights, metadata={"format": "mlx"})
    write_atomically(folder / CONFIG, config)


def mlx_lm_config(model: nn.Module, shape: LoraShape) -> bytes:
    """adapter_config.json for mlx-lm; it contains no path and nothing else about the person."""
    keys = {key for layer in model.layers for key, m in adaptable(layer) if isinstance(m, Adapted)}
    keys |= {key for key, m in token_embeddings(model) if isinstance(m, LoRAEmbedding)}
    config = {
        "fine_tune_type": "dora" if shape.decomposed else "lora",
        "num_layers": len(model.layers),
        "lora_parameters": {
            "rank": shape.rank,
            "scale": shape.scale,
            "dropout": shape.dropout,
            "keys": sorted(keys),
        },
    }
    return json.dumps(config, indent=2).encode() + b"\n"


def linear_sizes(model: nn.Module) -> tuple[int, int]:
    """The number of weights in the linear layers of all blocks, and in the head."""
    blocks = sum(
        _size(layer)
        for name, layer in layers_of(model)
        if "lm_head" not in name and not isinstance(layer, Embedding)
    )
    head = head_of(model)
    return blocks, 0 if head is None else _size(head)


def _size(layer: nn.Module) -> int:
    packed = 32 // layer.bits if "scales" in layer else 1
    return int(layer.weight.size * packed)


def _kind_for(linear: nn.Module, decomposed: bool) -> type[Any] | None:
    """The class of the adapter's layer around a linear layer; None for no adapter."""
    if not decomposed:
        return _kind_of_lora(linear)
    return None if isinstance(linear, Experts) else cast(type[Any], DoRALinear)


def _kind_of_lora(layer: nn.Module) -> type[Any]:
    kinds: dict[Any, type[Any]] = {Embedding: LoRAEmbedding, Experts: LoRASwitchLinear}
    return next((kind for of, kind in kinds.items() if isinstance(layer, of)), LoRALinear)


def _unfreeze_lora(_: str, module: nn.Module) -> None:
    if isinstance(module, LoRALinear | LoRASwitchLinear | LoRAEmbedding):
        module.unfreeze(keys=["lora_a", "lora_b"], recurse=False)
    elif isinstance(module, DoRALinear):
        module.unfreeze(keys=["lora_a", "lora_b", "m"], recurse=False)
