"""An adapter's tensors in either form as factors of ours, all of one rank and one scale."""

from __future__ import annotations

from collections.abc import Mapping

import mlx.core as mx

from mlx_backend.adapters.forms.base_layers import BaseLayers
from mlx_backend.adapters.forms.peft import HEAD, from_peft
from mlx_backend.library.weight_headers import Tensor
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.models.lora_factors import Factors, factors_in
from mlx_backend.receiving.arrival import Arrival

_PEFT_PREFIX = "base_model.model."
_PARTS = {
    # the tensor's last name, and which of its sides are the layer's outputs
    ".lora_b": -1,
    ".lora_B.weight": 0,
    ".lora_B.default.weight": 0,
}


def outputs_in(header: Mapping[str, Tensor]) -> dict[str, int]:
    """The linear layers that an adapter changes, with their outputs, by its file's header."""
    found: dict[str, int] = {}
    for name, tensor in header.items():
        for part, side in _PARTS.items():
            if name.endswith(part) and len(tensor.shape) == 2 and "embed" not in name:
                layer = name.removesuffix(part).removeprefix(_PEFT_PREFIX)
                found[layer] = tensor.shape[side]
    found.pop(HEAD, None)  # where it is tied to embeddings, the base has no such weights
    return found


def read_arrival(
    arrival: Arrival, config: Mapping[str, object], base: BaseLayers
) -> dict[str, Factors]:
    """The factors of an adapter that has arrived.

    Raises ValueError, whose text ends a sentence that begins "it cannot be used: ", and what
    `factors_in` raises.
    """
    if arrival.form == "peft":
        factors = from_peft(config, load_tensors(arrival.weights), base.tied_head)
    else:
        _check_strength(config)
        factors = factors_in(arrival.folder)
    return alike(factors)


def _check_strength(config: Mapping[str, object]) -> None:
    said = config.get("lora_parameters")
    scale = said.get("scale") if isinstance(said, Mapping) else None
    if type(scale) not in (int, float):
        raise ValueError(
            "its configuration does not say how strong it is ('scale' in 'lora_parameters')"
        )


def alike(factors: Mapping[str, Factors]) -> dict[str, Factors]:
    """The same changes with factors of one rank and one scale, which mlx-lm's file is for.

    Smaller ranks are filled up with zeros; a strength of its own goes into B.
    """
    rank = max(rank_of(each) for each in factors.values())
    scale = max((each.scale for each in factors.values()), key=abs)
    return {name: _alike(each, rank, scale) for name, each in factors.items()}


def rank_of(factors: Factors) -> int:
    """The rank of a layer's factors: of experts too, whose A is (experts, rank, inputs)."""
    return int(factors.a.shape[1])


def _alike(factors: Factors, rank: int, scale: float) -> Factors:
    missing = rank - rank_of(factors)
    a, b = factors.a, factors.b
    if missing:
        is_flat = a.ndim == 2
        a = mx.pad(a, [(0, 0), (0, missing)] if is_flat else [(0, 0), (0, missing), (0, 0)])
        b = mx.pad(b, [(0, missing), (0, 0)] if is_flat else [(0, 0), (0, 0), (0, missing)])
    if factors.scale != scale:
        b = b.astype(mx.float32) * (factors.scale / scale)
    return Factors(a, b, scale, factors.norms)
