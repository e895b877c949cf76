"""Export as a whole model: the base with the adapter in its weights, for mlx-lm and transformers.

mlx-lm's own layers put their factors into the weights (`fuse`). A quantised base is dequantised
first, since rounding the changed weights again costs some of what was learned; where that is asked
for, what it costs is measured.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_map, tree_unflatten
from mlx_lm.utils import dequantize_model, load_model, quantize_model, save_model

from mlx_backend.adapters.answers import answers_of, difference
from mlx_backend.adapters.exports.source import ExportSource, not_exportable
from mlx_backend.adapters.forms.transformers_names import CLASSES
from mlx_backend.files import write_atomically
from mlx_backend.machine.arrays import largest_difference, number
from mlx_backend.models import lora

_GROUP_SIZE = 64
# Of tiny random models, whose choices are the closest there are, nine in ten stay.
_LEAST_SAME = 0.8
_BESIDE_WEIGHTS = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.model"),
    *("vocab.json", "merges.txt", "added_tokens.json", "chat_template.jinja"),
    *("chat_template.json", "generation_config.json", "LICENSE", "LICENSE.txt", "NOTICE"),
)
_OF_OTHER_PROGRAMS = ("quantization", "quantization_config", "auto_map", "model_file")


@dataclass(frozen=True)
class Fused:
    """How an export as a whole model answers.

    difference: the largest of a logit, against the adapter on its base. same_choice: the share of
    places in the compared texts where the weights, rounded as they were written, choose the same
    next word.
    """

    difference: float
    same_choice: float = 1.0


def write_fused(source: ExportSource, folder: Path, bits: int = 0) -> Fused:
    """Write the base with the adapter in its weights into `folder`, load that, and compare.

    The model of `source` is changed: load it again to go on with it. `bits`: 4, 6 or 8 to round the
    weights again; 0: as they are. Raises OvernightError where it answers otherwise.
    """
    loaded = source.loaded
    lora.apply_factors(loaded.model, source.factors)
    _fuse(loaded.model)
    merged = _compared(source, answers_of(loaded))
    config = _config(source)
    if bits:
        with contextlib.redirect_stdout(sys.stderr):  # it prints, and stdout is for results
            _, config = quantize_model(loaded.model, config, _GROUP_SIZE, bits)
    written = answers_of(loaded)
    save_model(folder, loaded.model)
    write_atomically(folder / "config.json", json.dumps(config, indent=2).encode() + b"\n")
    _copy_beside(source.loaded.info.path, folder)
    _release(loaded.model)
    read_back = difference(source.name, written, _answers_from(source, folder))
    return Fused(max(merged, read_back), _same_choice(source.answers, written))


def _compared(source: ExportSource, merged: list[mx.array]) -> float:
    """The largest difference of a logit between the adapter and the weights that it went into.

    In float32 there must be none but that of another order of operations. In 16 bits the merged
    weights are rounded once more than base and adapter were; then the answers are held to choosing
    the same words. Raises OvernightError.
    """
    pairs = list(zip(source.answers, merged, strict=True))
    if merged[0].dtype == mx.float32:
        return difference(source.name, source.answers, merged)
    same = _same_choice(source.answers, merged)
    if same < _LEAST_SAME:
        reason = f"Rounded to 16 bits it chooses the same next word in {same:.0%} of places only."
        raise not_exportable(source.name, "a whole model", reason)
    return max(largest_difference(a, b) for a, b in pairs)


def _fuse(model: nn.Module) -> None:
    fused = [
        (name, module.fuse(dequantize=True))
        for name, module in model.named_modules()
        if hasattr(module, "fuse") and hasattr(module, "lora_a")
    ]
    model.update_modules(tree_unflatten(fused))
    dequantize_model(model)
    mx.eval(model.parameters())


def _config(source: ExportSource) -> dict[str, object]:
    config = {
        key: value for key, value in source.base_config().items() if key not in _OF_OTHER_PROGRAMS
    }
    known = CLASSES.get(source.model_type)
    return {"architectures": [known], **config} if known else config


def _copy_beside(base: Path, folder: Path) -> None:
    for name in _BESIDE_WEIGHTS:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)


def _release(model: nn.Module) -> None:
    """Give back the memory of a model's weights, before the same are loaded from the disk."""
    model.update(tree_map(lambda _: mx.array(0.0), model.parameters()))
    mx.clear_cache()


def _answers_from(source: ExportSource, folder: Path) -> list[mx.array]:
    """The answers of the model in `folder`, loaded as mlx-lm loads it."""
    try:
        model, _ = load_model(folder)
    except Exception as error:
        raise not_exportable(
            source.name, "a whole model", f"mlx-lm does not load what it saved of it: {error}"
        ) from error
    return answers_of(replace(source.loaded, model=model))


def _same_choice(ours: list[mx.array], theirs: list[mx.array]) -> float:
    pairs = list(zip(ours, theirs, strict=True))
    same = sum(number((a.argmax(-1) == b.argmax(-1)).sum()) for a, b in pairs)
    return same / sum(a.shape[1] for a, _ in pairs)
