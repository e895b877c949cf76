"""Adapters that a few samples were trained into by heart, in a second or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import msgspec

from mlx_backend.library.adapters import CARD, Adapter, AdapterCard, read_adapter
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora import LoraShape
from tests.mlx_backend.made import SHAPE

BY_HEART = replace(SHAPE, rank=16)


def train_by_heart(
    loaded: LoadedModel,
    pairs: Sequence[tuple[str, str]],
    seed: int,
    steps: int = 100,
    rate: float = 3e-3,
    shape: LoraShape = BY_HEART,
) -> float:
    """Attach an adapter and train it on questions with answers; returns the last loss (nats)."""
    mx.random.seed(seed)
    lora.attach(loaded.model, shape)
    samples = loaded.form.samples(pairs)
    longest = max(len(ids) for ids, _ in samples)
    rows = mx.array([[*ids, *[0] * (longest - len(ids))] for ids, _ in samples])
    weights = mx.array(
        [[float(start <= i < len(ids)) for i in range(1, longest)] for ids, start in samples]
    )

    def loss(model: nn.Module) -> mx.array:
        logits = model(rows[:, :-1]).astype(mx.float32)
        losses = nn.losses.cross_entropy(logits, rows[:, 1:])
        return (losses * weights).sum() / weights.sum()

    optimizer = optim.Adam(learning_rate=optim.cosine_decay(rate, steps))
    step = nn.value_and_grad(loaded.model, loss)
    last = 0.0
    for _ in range(steps):
        value, gradients = step(loaded.model)
        optimizer.update(loaded.model, gradients)
        mx.eval(value, loaded.model.parameters(), optimizer.state)
        last = float(value)
    loaded.model.eval()
    return last


def filed(loaded: LoadedModel, folder: Path, name: str, run: str = "") -> Adapter:
    """File the adapter that is on the model, and take it off."""
    path = folder / name
    path.mkdir(parents=True)
    config = lora.mlx_lm_config(loaded.model, BY_HEART)
    lora.write_adapter_files(path, lora.adapter_weights(loaded.model), config)
    lora.detach(loaded.model)
    card = AdapterCard(
        name=name,
        id=f"id of {name}",
        base=loaded.info.card.name,
        base_sha256=loaded.info.card.sha256,
        created=1.0,
        run=run,
        rank=BY_HEART.rank,
        scale=BY_HEART.scale,
        steps=60,
        notes=1,
        samples=1,
        train_loss=0.1,
    )
    (path / CARD).write_bytes(msgspec.json.encode(card))
    return read_adapter(folder, name)
