"""In how many bits the weights of a model are stored, as its config.json says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BITS = (4, 6, 8)
"""The sizes of a weight that a person can choose."""

# Of formats that do not say it in numbers.
_BITS_OF_METHOD = {"mxfp4": 4, "mxfp8": 8, "fp8": 8, "bitnet": 2, "modelopt": 4}
_USUAL_BITS = 4  # AWQ, GPTQ and the like, unless they say otherwise


def bits_of(config: Mapping[str, Any]) -> int | None:
    """The bits of a weight of a quantised model, from its config.json; None if it is none."""
    text = config.get("text_config")
    for holder in (config, text if isinstance(text, dict) else {}):
        for name in ("quantization", "quantization_config"):
            if isinstance(said := holder.get(name), dict) and said:
                return _bits_said(said)
    return None


def told_already(bits: int) -> str:
    """What to tell where nothing is to be done."""
    return f"It is quantised already, in {bits} bits."


def _bits_said(said: Mapping[str, Any]) -> int:
    method = _BITS_OF_METHOD.get(str(said.get("quant_method", "")).lower())
    for found in (said.get("bits"), method, *_bits_of_groups(said)):
        if isinstance(found, int) and found > 0:
            return found
    return _USUAL_BITS


def _bits_of_groups(said: Mapping[str, Any]) -> list[Any]:
    """What compressed-tensors says of each group of layers."""
    groups = said.get("config_groups")
    weights = [
        group.get("weights")
        for group in (groups.values() if isinstance(groups, dict) else ())
        if isinstance(group, dict)
    ]
    return [each.get("num_bits") for each in weights if isinstance(each, dict)]
