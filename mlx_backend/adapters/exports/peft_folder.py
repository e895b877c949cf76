"""Export for PEFT, with which transformers and most servers load adapters."""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx

from mlx_backend.adapters.answers import answers_of, difference
from mlx_backend.adapters.exports.comparing import check_same_change
from mlx_backend.adapters.exports.source import ExportSource, not_exportable
from mlx_backend.adapters.forms.peft import PEFT_CONFIG, PEFT_WEIGHTS, from_peft, to_peft
from mlx_backend.adapters.forms.transformers_names import is_named_alike
from mlx_backend.files import write_atomically
from mlx_backend.library.model_sources import hub_source
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.models import lora

_FORM = "a PEFT adapter"


def write_peft(source: ExportSource, folder: Path) -> float:
    """Write the adapter into `folder` in PEFT's form, read that back, and compare.

    Returns the largest difference of a logit. Raises OvernightError if it is more than rounding,
    and for what PEFT has no form for.
    """
    reason = why_not_peft(source)
    if reason:
        raise not_exportable(source.name, _FORM, reason)
    layers = source.base_layers()
    repository = hub_source(source.loaded.info.card).repository
    written = to_peft(source.factors, layers, repository)
    mx.save_safetensors(str(folder / PEFT_WEIGHTS), written.tensors, metadata={"format": "pt"})
    write_atomically(folder / PEFT_CONFIG, json.dumps(written.config, indent=2).encode() + b"\n")
    config = json.loads((folder / PEFT_CONFIG).read_bytes())
    found = from_peft(config, load_tensors(folder / PEFT_WEIGHTS), layers.tied_head)
    check_same_change(source, found)
    lora.apply_factors(source.loaded.model, found)
    try:
        return difference(source.name, source.answers, answers_of(source.loaded))
    finally:
        lora.detach(source.loaded.model)


def why_not_peft(source: ExportSource) -> str:
    """Why PEFT has no form for an adapter, as a whole sentence; "" where it has one."""
    if not is_named_alike(source.model_type):
        return (
            f"How transformers names the layers of its base model ('{source.model_type}') is not"
            " known here."
        )
    if source.has_experts():
        return "It changes layers of experts, for which PEFT has no such form."
    return ""
