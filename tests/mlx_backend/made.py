"""Adapters that were made, not trained: random factors, large enough to change every answer."""

from __future__ import annotations

from pathlib import Path

import mlx.core as mx
import msgspec

from mlx_backend.library.adapters import CARD, Adapter, AdapterCard, read_adapter
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import LoraShape

SHAPE = LoraShape(rank=4, scale=2.0)


def make_adapter(
    folder: Path, loaded: LoadedModel, name: str, seed: int = 1, shape: LoraShape = SHAPE
) -> Adapter:
    """Write an adapter into `folder` and take it off the model again."""
    mx.random.seed(seed)
    lora.attach(loaded.model, shape)
    weights = {
        key: mx.random.normal(array.shape) * 0.2
        for key, array in flatten(loaded.model.trainable_parameters()).items()
    }
    config = lora.mlx_lm_config(loaded.model, shape)
    lora.detach(loaded.model)
    path = folder / name
    path.mkdir(parents=True)
    lora.write_adapter_files(path, weights, config)
    card = AdapterCard(
        name=name,
        base=loaded.info.card.name,
        base_sha256=loaded.info.card.sha256,
        created=float(seed),
        run="made",
        rank=shape.rank,
        scale=shape.scale,
        steps=1,
        notes=1,
        samples=1,
        train_loss=1.0,
    )
    (path / CARD).write_bytes(msgspec.json.encode(card))
    return read_adapter(folder, name)
