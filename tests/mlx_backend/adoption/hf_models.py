"""Tiny random models with weights in Hugging Face's form, as they come from the Hub."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn

from mlx_backend.machine.arrays import flatten
from tests.mlx_backend.model_types import config_of


def write_hf_model(
    folder: Path, kind: str, like: Path, dtype: str = "bfloat16", **changed: object
) -> None:
    """Write a model of an architecture, `changed` in its configuration; tokenizer as `like`."""
    config = config_of(kind) | {"torch_dtype": dtype} | changed
    module = import_module(f"mlx_lm.models.{kind}")
    mx.random.seed(5)
    model = module.Model(module.ModelArgs.from_dict(config))
    model.set_dtype(getattr(mx, dtype))
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(like / name, folder / name)
    weights = _one_by_one(model)
    names = sorted(weights)
    for number, part in enumerate((names[::2], names[1::2]), 1):
        path = folder / f"model-{number:05}-of-00002.safetensors"
        mx.save_safetensors(str(path), {n: weights[n] for n in part}, metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config))


def _one_by_one(model: nn.Module) -> dict[str, mx.array]:
    """The weights with every expert by itself, as Hugging Face stores them."""
    found: dict[str, mx.array] = {}
    for name, array in flatten(model.parameters()).items():
        if ".switch_mlp." in name:
            for expert in range(len(array)):
                found[name.replace("switch_mlp", f"experts.{expert}")] = array[expert]
        else:
            found[name] = array
    return found
