"""Whether an export changes the base model by the same as the adapter, layer by layer.

Logits alone do not tell in 16 bits, where rounding hides what a weak adapter does.
"""

from __future__ import annotations

from collections.abc import Mapping

import mlx.core as mx
import mlx.nn as nn

from mlx_backend.adapters.exports.source import ExportSource
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.lora_factors import Factors

_ROUNDING = 1e-5  # relative, of a product in float32


def check_same_change(source: ExportSource, theirs: Mapping[str, Factors]) -> None:
    """Raise OvernightError unless these factors, read back from an export, are the adapter's.

    They may have more layers, if these change nothing: mlx-lm puts one on every layer of a name.
    """
    ours = source.factors
    more = [name for name in theirs if name not in ours]
    is_same = all(name in theirs and _is_same(each, theirs[name]) for name, each in ours.items())
    if not is_same or any(bool(mx.any(theirs[name].b != 0).item()) for name in more):
        raise OvernightError(
            ErrorKind.ADAPTER_DAMAGED,
            f"The export of '{source.name}' does not hold the same adapter.",
            "Nothing was kept at the target. Check the disk and export again.",
        )


def factors_on(model: nn.Module) -> dict[str, Factors]:
    """The factors of the adapter layers that are on a model, as mlx-lm put them there."""
    return {
        name: Factors(module.lora_a, module.lora_b, float(module.scale), module.get("m"))
        for name, module in model.named_modules()
        if "lora_a" in module
    }


def _is_same(one: Factors, other: Factors) -> bool:
    if one.a.shape != other.a.shape or (one.norms is None) != (other.norms is None):
        return False
    if one.norms is not None and other.norms is not None and not _close(one.norms, other.norms):
        return False
    return _close(one.a, other.a) and _close(one.b * one.scale, other.b * other.scale)


def _close(one: mx.array, other: mx.array) -> bool:
    one, other = one.astype(mx.float32), other.astype(mx.float32)
    return bool(mx.allclose(one, other, rtol=_ROUNDING, atol=0.0).item())
