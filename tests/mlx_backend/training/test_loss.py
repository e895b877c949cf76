"""Packed rows against each sample by itself, through mlx-lm's model as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.loss import BatchArrays, split_head, target_losses
from mlx_backend.training.memory_saving import Recomputed, recompute
from mlx_backend.training.step import part_arrays
from mlx_backend.training.tokenised import SoftTargets, TokenisedSample
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
    arrays = BatchArrays(*part_arrays(batch))
    parts = split_head(model) if split else None

    def loss() -> mx.array:
        return target_losses(model, arrays, parts).sum() / batch.tokens

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


def softened(sample: TokenisedSample, width: int) -> TokenisedSample:
    """The same with drawn targets: different tokens at each place, and a fifth left for others."""
    random = np.random.default_rng(len(sample.tokens))
    tokens = np.array([random.permutation(390)[:width] for _ in range(sample.targets)], np.int32)
    shares = random.random((sample.targets, width)) + 0.1
    shares *= 0.8 / shares.sum(axis=1, keepdims=True)
    soft = SoftTargets(tokens.reshape(-1, width), shares.astype(np.float32))
    return TokenisedSample(sample.tokens, sample.prompt_length, soft=soft)


def divergence(logits: mx.array, soft: SoftTargets) -> mx.array:
    """Kullback-Leibler as it is defined, over the named tokens and all others as one."""
    predicted = mx.softmax(logits, axis=-1)
    named = mx.take_along_axis(predicted, mx.array(soft.tokens), axis=-1)
    shares = mx.array(soft.probabilities)
    left, left_to_be = 1 - named.sum(axis=-1), 1 - shares.sum(axis=-1)
    return (shares * mx.log(shares / named)).sum(axis=-1) + left_to_be * mx.log(left_to_be / left)


@pytest.mark.parametrize("split", [True, False])
def test_soft_targets_pull_by_their_divergence(
    model: nn.Module, samples: list[TokenisedSample], split: bool
) -> None:
    taught = [softened(sample, width=5) for sample in samples]
    batch = PackedBatches(taught, seed=0)[0][0]
    loss, gradient = packed(model, batch, split)

    def loss_of(sample: TokenisedSample) -> mx.array:
        assert sample.soft is not None
        found = model(mx.array(sample.tokens)[None, :-1])[0]
        learned = found[len(found) - sample.targets :]
        return divergence(learned, sample.soft).sum() / batch.tokens

    parts = [value_and_gradient(model, lambda s=sample: loss_of(s)) for sample in taught]  # type: ignore[misc]
    assert loss == pytest.approx(sum(value for value, _ in parts), rel=1e-4)
    for name, found in gradient.items():
        assert relative_error(found, np.sum([part[name] for _, part in parts], axis=0)) < 1e-4, name


@pytest.mark.parametrize("split", [True, False])
def test_beside_soft_targets_the_others_are_learned_as_by_themselves(
    model: nn.Module, samples: list[TokenisedSample], split: bool
) -> None:
    mixed = [*samples, softened(samples[0], width=5)]
    batch = PackedBatches(mixed, seed=0)[0][0]
    arrays = BatchArrays(*part_arrays(batch))
    parts = split_head(model) if split else None
    losses = numpy(target_losses(model, arrays, parts))[: batch.tokens]
    own = losses[batch.samples < len(samples)]
    true_loss, _ = alone(model, samples)
    assert own.mean() == pytest.approx(true_loss, rel=1e-5)


def test_the_head_of_a_plain_model_can_be_split(model: nn.Module) -> None:
    assert split_head(model) is not None


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
    assert split_head(Scaled(model)) is None
    assert split_head(nn.Linear(3, 3)) is None
