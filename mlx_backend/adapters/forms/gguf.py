"""Adapters as llama.cpp reads them: a GGUF file with pairs of low-rank factors.

Format: the GGUF specification (github.com/ggml-org/ggml/blob/master/docs/gguf.md) and llama.cpp's
reader of adapters (src/llama-adapter.cpp): `general.type` is "adapter", `adapter.type` is "lora",
and each adapted tensor NAME has `NAME.lora_a` of (rank, inputs) and `NAME.lora_b` of (outputs,
rank). It changes by `alpha / rank * B @ A`, where `adapter.lora.alpha` is one for all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from mlx_backend.models.lora_factors import Factors

Array = NDArray[np.float32]

_ROTATED = ("self_attn.q_proj", "self_attn.k_proj")


@dataclass(frozen=True)
class GgufNames:
    """How llama.cpp calls an architecture, and where it stores rows in another order.

    interleaved: whether rows of queries and keys have their two rotary halves interleaved.
    """

    architecture: str
    interleaved: bool = False


# By `model_type`, as far as llama.cpp was seen to answer as we do (tests/mlx_backend/interop).
_KNOWN = {
    "llama": GgufNames("llama", interleaved=True),
    "mistral": GgufNames("llama", interleaved=True),
    "qwen2": GgufNames("qwen2"),
    "qwen3": GgufNames("qwen3"),
    "seed_oss": GgufNames("seed_oss"),
    "smollm3": GgufNames("smollm3", interleaved=True),
    "olmo2": GgufNames("olmo2"),
    "ernie4_5": GgufNames("ernie4_5"),
}


def names_for(model_type: str) -> GgufNames | None:
    """How llama.cpp calls models of this type; None where that is not known well enough."""
    return _KNOWN.get(model_type)


@dataclass(frozen=True)
class GgufModel:
    """What of the base model decides names and orders in the file.

    layers, heads, key_heads: of blocks, of attention heads, and of those of keys and values.
    """

    names: GgufNames
    layers: int
    heads: int
    key_heads: int


def write_gguf(path: Path, factors: Mapping[str, Factors], model: GgufModel) -> None:
    """Write the factors of linear layers as an adapter for llama.cpp, in float32.

    Raises ValueError for a layer that llama.cpp has no name for.
    """
    ranks = {name: int(each.b.shape[0]) for name, each in factors.items()}
    writer = gguf.GGUFWriter(path, model.names.architecture)
    try:
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        # llama.cpp divides by each layer's own rank; so the scale goes into B, and alpha is 1
        # where ranks differ.
        alpha = _alpha(factors, ranks)
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
        for name, each in sorted(factors.items()):
            strength = np.float32(each.scale * ranks[name] / alpha)
            b = np.array(each.b.T.astype(mx.float32), np.float32) * strength
            tensor = _tensor_name(name, model)
            writer.add_tensor(f"{tensor}.weight.lora_a", np.array(each.a.T.astype(mx.float32)))
            writer.add_tensor(
                f"{tensor}.weight.lora_b", _reordered(name, b, model, _interleave).astype("<f4")
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def read_gguf(path: Path, names: Mapping[str, Any], model: GgufModel) -> dict[str, Factors]:
    """Read back what `write_gguf` wrote; `names` are the layers of the base model.

    Only for files that this process wrote itself: the reader trusts what it reads.
    """
    reader = gguf.GGUFReader(path)
    alpha = float(reader.fields[gguf.Keys.Adapter.LORA_ALPHA].contents())
    tensors = {tensor.name: np.array(tensor.data, np.float32) for tensor in reader.tensors}
    found = {}
    for name in names:
        stem = _tensor_name(name, model, must_exist=False)
        if stem is None or f"{stem}.weight.lora_a" not in tensors:
            continue
        a, b = tensors[f"{stem}.weight.lora_a"], tensors[f"{stem}.weight.lora_b"]
        b = _reordered(name, b, model, _halve)
        scale = alpha / a.shape[0]
        found[name] = Factors(mx.array(a.T), mx.array(np.ascontiguousarray(b.T)), scale, None)
    return found


def _alpha(factors: Mapping[str, Factors], ranks: Mapping[str, int]) -> float:
    alphas = {each.scale * ranks[name] for name, each in factors.items()}
    alpha = alphas.pop() if len(alphas) == 1 else 1.0
    return float(np.float32(alpha)) if math.isfinite(alpha) and alpha > 0 else 1.0


def _tensor_name(name: str, model: GgufModel, must_exist: bool = True) -> str | None:
    architecture = next(
        key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == model.names.architecture
    )
    found: str | None = gguf.get_tensor_name_map(architecture, model.layers).get_name(name)
    if found is None and must_exist:
        raise ValueError(f"llama.cpp has no name for the layer '{name}'")
    return found


def _reordered(name: str, b: Array, model: GgufModel, order: Any) -> Array:
    """B of (outputs, rank) with its rows in the order of the other program."""
    if not model.names.interleaved or not name.endswith(_ROTATED):
        return b
    heads = model.heads if name.endswith(_ROTATED[0]) else model.key_heads
    changed: Array = order(b, heads)
    return changed


def _interleave(rows: Array, heads: int) -> Array:
    outputs, rank = rows.shape
    halves = rows.reshape(heads, 2, outputs // heads // 2, rank)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(outputs, rank))


def _halve(rows: Array, heads: int) -> Array:
    outputs, rank = rows.shape
    pairs = rows.reshape(heads, outputs // heads // 2, 2, rank)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(outputs, rank))
