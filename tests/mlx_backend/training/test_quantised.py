"""QLoRA: adapters trained on a base that stays quantised, as it does where MLX has a GPU."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx_lm.utils import dequantize_model

from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import AdapterKind
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.memory_saving import Recomputed
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.tokenised import TokenisedSample
from tests.mlx_backend.arrays import bits, relative_error


@pytest.fixture
def batch() -> tuple[Batch, ...]:
    random = np.random.default_rng(0)
    samples = [TokenisedSample.of(random.integers(3, 390, 90).tolist(), 10) for _ in range(5)]
    return PackedBatches(samples, seed=0)[0]


def gradients(model: nn.Module, batch: tuple[Batch, ...]) -> dict[str, np.ndarray]:
    """The adapter's change in one step of plain size, which is its gradient but for a factor."""
    mx.random.seed(0)
    lora.attach(model, lora.LoraShape(rank=4, scale=2.0))
    before = {name: np.array(a) for name, a in flatten(model.trainable_parameters()).items()}
    TrainingStep(model)(batch, rate=1e-2)
    after = flatten(model.trainable_parameters())
    return {name: np.array(after[name]) - old for name, old in before.items()}


@pytest.mark.parametrize("bits_", [4, 8])
def test_a_quantised_base_gives_the_gradients_of_its_dequantised_weights(
    loaded: LoadedModel, batch: tuple[Batch, ...], bits_: int
) -> None:
    nn.quantize(loaded.model, group_size=32, bits=bits_)
    quantised = gradients(loaded.model, batch)
    lora.detach(loaded.model)
    dequantize_model(loaded.model)
    plain = gradients(loaded.model, batch)
    for name, change in quantised.items():
        if name.endswith("lora_b"):  # A gets no gradient while B is still zero
            assert relative_error(change, plain[name]) < 2e-2, name


@pytest.mark.parametrize("kind", ["lora", "dora", "rslora"])
@pytest.mark.parametrize("recomputed", ["nothing", "layer"])
@pytest.mark.parametrize("bits_", [4, 8])
def test_every_kind_of_adapter_learns_on_a_quantised_base(
    loaded: LoadedModel,
    batch: tuple[Batch, ...],
    bits_: int,
    recomputed: Recomputed,
    kind: AdapterKind,
) -> None:
    nn.quantize(loaded.model, group_size=32, bits=bits_)
    lora.attach(loaded.model, lora.LoraShape.of(kind, 4, 2.0))
    frozen = (
        flatten(loaded.model.parameters()).keys()
        - flatten(loaded.model.trainable_parameters()).keys()
    )
    before = bits({name: flatten(loaded.model.parameters())[name] for name in frozen})
    training = TrainingStep(loaded.model, recomputed)
    losses = [training(batch, rate=1e-2) for _ in range(8)]
    assert losses[-1] < losses[0] * 0.95
    assert bits({name: flatten(loaded.model.parameters())[name] for name in frozen}) == before
