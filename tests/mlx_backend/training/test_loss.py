"""Packed rows against each sample by itself, through mlx-lm's model as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_backend import lora
from mlx_backend.arrays import flatten
from mlx_backend.base_model import LoadedModel
from mlx_backend.training.batches import Batch, PackedBatches, TokenisedSample
from mlx_backend.training.frugality import Recomputed, recompute
from mlx_backend.training.loss import BatchArrays, head_can_be_split, target_losses
from tests.mlx_backend.arrays import numpy, relative_error

Gradient = dict[str, NDArray[np.float32]]


@pytest.fixture
def model(loaded: LoadedModel) -> nn.Module:
    """The tiny model with an adapter that already changes something."""
    mx.random.seed(1)
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0))
    fresh = flatten(loaded.model.trainable_parameters())
    loaded.model.load_weights(
        [(name, mx.random.normal(array.shape) * 0.1) for name, array in fresh.items()],
        strict=False,
    )
    loaded.model.eval()
    return loaded.model


@pytest.fixture
def samples() -> list[TokenisedSample]:
    random = np.random.default_rng(0)
    return [
        TokenisedSample.of(random.integers(0, 390, length).tolist(), prompt)
        for length, prompt in [(40, 10), (60, 1), (25, 24), (90, 45), (12, 3), (70, 20), (55, 0)]
    ]


def value_and_gradient(model: nn.Module, loss: Callable[[], mx.array]) -> tuple[float, Gradient]:
    value, gradient = nn.value_and_grad(model, loss)()
    return float(numpy(value)), {name: numpy(g) for name, g in flatten(gradient).items()}


def packed(model: nn.Module, batch: Batch, split: bool) -> tuple[float, Gradient]:
    arrays = BatchArrays(batch.inputs, batch.mask, batch.positions, batch.targets, batch.learned)

    def loss() -> mx.array:
        return target_losses(model, arrays, split).sum() / batch.tokens

    return value_and_gradient(model, loss)


def alone(model: nn.Module, samples: Sequence[TokenisedSample]) -> tuple[float, Gradient]:
    """Each sample in a row of its own, with mlx-lm's causal mask and all its logits."""
    total = sum(len(s.tokens) - max(1, s.prompt_length) for s in samples)

    def loss_of(sample: TokenisedSample) -> mx.array:
        tokens = mx.array(sample.tokens)
        found = model(tokens[None, :-1])[0]
        losses = nn.losses.cross_entropy(found, tokens[1:])
        return losses[max(1, sample.prompt_length) - 1 :].sum() / total

    parts = [value_and_gradient(model, lambda s=sample: loss_of(s)) for sample in samples]  # type: ignore[misc]
    gradient = {name: sum(part[name] for _, part in parts) for name in parts[0][1]}
    return sum(value for value, _ in parts), gradient  # type: ignore[return-value]


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("recomputed", ["nothing", "mlp", "layer"])
def test_a_packed_row_is_as_good_as_each_sample_alone(
    model: nn.Module, samples: list[TokenisedSample], split: bool, recomputed: Recomputed
) -> None:
    batches = PackedBatches(samples, seed=0)
    assert batches.steps(1) == 1
    model.train()
    recompute(model, recomputed)
    loss, gradient = packed(model, batches[0][0], split)
    recompute(model, "nothing")
    true_loss, true_gradient = alone(model, samples)
    assert loss == pytest.approx(true_loss, rel=1e-5)
    assert gradient.keys() == true_gradient.keys()
    assert len(gradient) == 2 * 7 * 2  # two factors on seven linear layers of two blocks
    for name, found in gradient.items():
        assert relative_error(found, true_gradient[name]) < 1e-5, name


def test_the_head_of_a_plain_model_can_be_split(model: nn.Module) -> None:
    assert head_can_be_split(model)


class Scaled(nn.Module):
    """A model that does something with its logits after the head."""

    def __init__(self, plain: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model = plain.model
        self.layers = plain.layers

    def __call__(self, inputs: mx.array) -> mx.array:
        head: mx.array = self.model.embed_tokens.as_linear(self.model(inputs))
        return mx.tanh(head * 3)


def test_the_head_of_another_one_can_not(model: nn.Module) -> None:
    assert not head_can_be_split(Scaled(model))
    assert not head_can_be_split(nn.Linear(3, 3))
