"""Low-rank adapters on a loaded model: putting them on, taking them off, their files.

LoRA: Hu et al., arXiv 2106.09685. The layers are mlx-lm's, so that mlx-lm loads what we save.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_unflatten
from mlx_lm.tuner.dora import DoRALinear
from mlx_lm.tuner.lora import LoRALinear

from mlx_backend.arrays import flatten, load_tensors
from mlx_backend.errors import Kind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.library.adapters import CONFIG, WEIGHTS, Adapter


@dataclass(frozen=True)
class LoraShape:
    """An adapter's shape: the change of a layer is `scale * x @ A @ B` with A of width `rank`."""

    rank: int
    scale: float
    dropout: float = 0.0


def attach(model: nn.Module, shape: LoraShape) -> None:
    """Put a fresh trainable adapter on every linear layer of every block.

    The second factor starts at zero, so the model's output does not change until it is trained.
    """
    detach(model)
    for layer in model.layers:
        layer.update_modules(
            tree_unflatten(
                [
                    (key, LoRALinear.from_base(linear, shape.rank, shape.dropout, shape.scale))
                    for key, linear in _linears(layer)
                ]
            )
        )
    model.freeze()
    model.apply_to_modules(_unfreeze_lora)


def detach(model: nn.Module) -> None:
    """Take any adapter off; the base model's own layers come back untouched."""
    model.update_modules(
        tree_unflatten(
            [
                (name, module.linear)
                for name, module in model.named_modules()
                if isinstance(module, LoRALinear | DoRALinear)
            ]
        )
    )


def apply_adapters(model: nn.Module, adapters: Sequence[tuple[Adapter, float]]) -> None:
    """Put trained adapters on a model, each times its weight; none leaves the plain base.

    Several stand beside each other in one pair of factors: A is [A1 A2 ...] and B is
    [w1 s1 B1; w2 s2 B2; ...] at scale 1, so their changes add up exactly.
    Raises OvernightError for a damaged adapter or one that does not fit the model.
    """
    detach(model)
    if not adapters:
        return
    linears = dict(_all_linears(model))
    factors: dict[str, tuple[list[mx.array], list[mx.array]]] = {}
    for adapter, weight in adapters:
        for name, (a, b, scale) in _read_factors(adapter, linears).items():
            left, right = factors.setdefault(name, ([], []))
            left.append(a)
            right.append(b * (scale * weight))
    replaced = []
    for name, (left, right) in factors.items():
        layer = LoRALinear.from_base(linears[name], r=1, scale=1.0)
        layer.lora_a = mx.concatenate(left, axis=1)
        layer.lora_b = mx.concatenate(right, axis=0)
        replaced.append((name, layer))
    model.update_modules(tree_unflatten(replaced))
    model.freeze()
    mx.eval(model.parameters())


def load_factors(model: nn.Module, adapter: Adapter) -> None:
    """Fill an attached adapter with a trained one's factors, to train on from there.

    Raises OvernightError when they do not fit.
    """
    for name, (a, b, _) in _read_factors(adapter, dict(_all_linears(model))).items():
        model.update(tree_unflatten([(f"{name}.lora_a", a), (f"{name}.lora_b", b)]))


def adapter_weights(model: nn.Module) -> dict[str, mx.array]:
    """The trainable factors by name, as mlx-lm stores them."""
    return flatten(model.trainable_parameters())


def write_adapter_files(folder: Path, weights: dict[str, mx.array], config: bytes) -> None:
    """Write the two files that mlx-lm needs to load an adapter."""
    mx.save_safetensors(str(folder / WEIGHTS), weights, metadata={"format": "mlx"})
    write_atomically(folder / CONFIG, config)


def mlx_lm_config(model: nn.Module, shape: LoraShape) -> bytes:
    """adapter_config.json for mlx-lm: it holds no path and nothing of the person."""
    keys = sorted({key for layer in model.layers for key, _ in _linears(layer)})
    config = {
        "fine_tune_type": "lora",
        "num_layers": len(model.layers),
        "lora_parameters": {
            "rank": shape.rank,
            "scale": shape.scale,
            "dropout": shape.dropout,
            "keys": keys,
        },
    }
    return json.dumps(config, indent=2).encode() + b"\n"


def linear_sizes(model: nn.Module) -> tuple[int, int]:
    """How many weights the blocks' linear layers have, and how many the head."""
    blocks = sum(_size(linear) for name, linear in _all_linears(model) if "lm_head" not in name)
    head = model.lm_head if "lm_head" in model else model.model.embed_tokens
    return blocks, _size(head)


def _size(layer: nn.Module) -> int:
    packed = 32 // layer.bits if "scales" in layer else 1
    return int(layer.weight.size * packed)


def _linears(layer: nn.Module) -> list[tuple[str, nn.Module]]:
    """The linear layers of a block, without those inside an adapter's own layer."""
    found = []
    wrapped: set[str] = set()
    for name, module in sorted(layer.named_modules()):
        if isinstance(module, LoRALinear | DoRALinear):
            wrapped.add(f"{name}.linear")
            found.append((name, module))
        elif isinstance(module, nn.Linear | nn.QuantizedLinear) and name not in wrapped:
            found.append((name, module))
    return found


def _all_linears(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Every linear layer by its name in the base model, whether or not an adapter is on it."""
    return [
        (name.removesuffix(".linear"), module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.QuantizedLinear)
    ]


def _read_factors(
    adapter: Adapter, linears: dict[str, nn.Module]
) -> dict[str, tuple[mx.array, mx.array, float]]:
    try:
        scale = float(json.loads((adapter.path / CONFIG).read_bytes())["lora_parameters"]["scale"])
        tensors = load_tensors(adapter.path / WEIGHTS)
        layers = {name.rpartition(".")[0] for name in tensors}
        if not layers or not math.isfinite(scale):
            raise ValueError(f"{len(layers)} layers at scale {scale}")
        factors = {
            name: (tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"], scale) for name in layers
        }
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise OvernightError(
            Kind.ADAPTER_DAMAGED,
            f"The adapter '{adapter.card.name}' is damaged.",
            f'Remove it with `overnight remove "{adapter.card.name}"` and train it again.',
            f"{type(error).__name__}: {error}",
        ) from error
    for name, (a, b, _) in factors.items():
        if name not in linears or not _fit(linears[name], a, b):
            raise OvernightError(
                Kind.ADAPTER_DAMAGED,
                f"The adapter '{adapter.card.name}' does not fit its base model.",
                "Train it again with this base model.",
                name,
            )
    return factors


def _fit(linear: nn.Module, a: mx.array, b: mx.array) -> bool:
    rows, columns = linear.weight.shape
    if isinstance(linear, nn.QuantizedLinear):
        columns = columns * 32 // linear.bits
    return a.ndim == b.ndim == 2 and a.shape == (columns, b.shape[0]) and b.shape[1] == rows


def _unfreeze_lora(_: str, module: nn.Module) -> None:
    if isinstance(module, LoRALinear):
        module.unfreeze(keys=["lora_a", "lora_b"], recurse=False)
