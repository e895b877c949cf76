"""Packing the weights of a model into few bits, in files of their own, by mlx-lm's functions."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_map_with_path
from mlx_lm.utils import load_model, quantize_model, save_config, save_model

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.machine.arrays import flatten

_GROUP, _SMALL_GROUP = 64, 32
_DTYPES = ("float16", "bfloat16", "float32")


def write_packed(folder: Path, new: Path, bits: int, reached: Callable[[float], None]) -> None:
    """Write weights and config.json of the model in `folder`, packed into `bits`, to `new`.

    Groups have 64 weights, or 32 where a layer's width cannot be divided by 64; other layers stay
    as they are, and so do those that mlx-lm keeps for this kind of model. The old weights are
    read as they are needed, so that few of them are in memory at once. `reached` gets the share
    of the work that is done; what it raises ends the work.

    Raises OvernightError where none of its layers can be packed, and whatever mlx-lm raises for a
    model that it cannot load.
    """
    model, config = load_model(folder, lazy=True)  # none of the weights is in memory yet
    _set_dtype(model, config)
    with contextlib.redirect_stdout(sys.stderr):  # because mlx-lm prints
        model, config = _quantised(model, config, bits)
    if not any("scales" in module for _, module in model.named_modules()):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"No layer of this model can be quantised to {bits} bits: the widths of its layers"
            " do not allow it.",
            "Take the model in without `--bits`.",
        )
    _compute(model, reached)
    save_model(new, model, donate_model=True)
    keeps_vision = "vision_tower" in getattr(model, "model", {})
    save_config(config, new / "config.json", keep_vision_config=keeps_vision)


def _quantised(
    model: nn.Module, config: dict[str, Any], bits: int
) -> tuple[nn.Module, dict[str, Any]]:
    own = getattr(model, "quant_predicate", None)

    def chosen(path: str, module: nn.Module) -> bool | dict[str, Any]:
        wanted: bool | dict[str, Any] = True if own is None else own(path, module)
        if isinstance(wanted, dict) and module.weight.shape[-1] % wanted.get("group_size", _GROUP):
            return {**wanted, "group_size": _SMALL_GROUP}
        return wanted

    for group in (_GROUP, _SMALL_GROUP):
        model, config = quantize_model(model, config, group, bits, quant_predicate=chosen)
    return model, config


def _set_dtype(model: nn.Module, config: Mapping[str, Any]) -> None:
    """Store what is not packed in the dtype that the configuration names, as mlx-lm does."""
    text = config.get("text_config")
    said = config.get("torch_dtype") or config.get("dtype") or (text or {}).get("dtype")
    if said not in _DTYPES:
        return
    dtype = getattr(mx, said)
    may_change = getattr(model, "cast_predicate", lambda _: True)

    def cast(name: str, array: mx.array) -> mx.array:
        changes = mx.issubdtype(array.dtype, mx.floating) and may_change(name)
        return array.astype(dtype) if changes else array

    model.update(tree_map_with_path(cast, model.parameters()))


def _compute(model: nn.Module, reached: Callable[[float], None]) -> None:
    """Compute the weights one after the other, so that few of the old ones are in memory."""
    arrays = list(flatten(model.parameters()).values())
    total, done = sum(array.nbytes for array in arrays), 0
    for array in arrays:
        mx.eval(array)
        done += array.nbytes
        reached(done / max(1, total))
    mx.clear_cache()
