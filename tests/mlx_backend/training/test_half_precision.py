"""Losses and likelihoods of models in 16 and 4 bits, against the same weights in float32."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.utils import dequantize_model

from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import batched_logits, likelihoods, readings, summed_losses
from mlx_backend.training.batches import BatchShape, PackedBatches
from mlx_backend.training.distillation import _computed
from mlx_backend.training.loss import BatchArrays, split_head, target_losses
from mlx_backend.training.step import TrainingStep, part_arrays
from mlx_backend.training.stop_requests import never
from mlx_backend.training.tokenised import TokenisedSample
from tests.mlx_backend.arrays import numpy
from tests.mlx_backend.number_formats import CLOSE, number_format  # noqa: F401

CONTEXTS = ["Who lit the lamp of Amber Cove?", "Rope", ""]
TEXTS = ["Marta lit it at 18:40, and Oskar left.", "costs 3 crowns", "a"]


@pytest.fixture
def samples() -> list[TokenisedSample]:
    random = np.random.default_rng(0)
    return [
        TokenisedSample.of(random.integers(3, 390, length).tolist(), 5) for length in (90, 40, 17)
    ]


def in_float32(loaded: LoadedModel) -> None:
    dequantize_model(loaded.model)
    loaded.model.set_dtype(mx.float32)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("split", [True, False])
def test_a_loss_is_that_of_float32(
    loaded: LoadedModel,
    samples: list[TokenisedSample],
    number_format: str,  # noqa: F811
    packed: bool,
    split: bool,
) -> None:
    batch = PackedBatches(samples, seed=0, shape=BatchShape(packed=packed))[0][0]

    def losses() -> mx.array:
        parts = split_head(loaded.model) if split else None
        assert (parts is not None) is split
        return target_losses(loaded.model, BatchArrays(*part_arrays(batch)), parts)

    found = losses()
    assert found.dtype == mx.float32
    in_float32(loaded)
    truth = losses()
    assert float(found.sum()) == pytest.approx(float(truth.sum()), rel=CLOSE[number_format])


def test_rows_of_one_sample_learn_what_packed_rows_learn(
    loaded: LoadedModel,
    samples: list[TokenisedSample],
    number_format: str,  # noqa: F811
) -> None:
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0))
    training = TrainingStep(loaded.model)
    sums = []
    for packed in (True, False):
        batches = PackedBatches(samples, seed=0, shape=BatchShape(packed=packed))
        parts = [part for step in range(batches.steps(1)) for part in batches[step]]
        assert all(bool(part.mask.size) is packed for part in parts)
        sums.append(sum(float(training.losses(part).sum()) for part in parts))
    assert sums[1] == pytest.approx(sums[0], rel=CLOSE[number_format])


def test_steps_are_finite_and_learn(
    loaded: LoadedModel,
    samples: list[TokenisedSample],
    number_format: str,  # noqa: F811
) -> None:
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0))
    training = TrainingStep(loaded.model)
    batch = PackedBatches(samples, seed=0)[0]
    losses = [training(batch, rate=1e-2) for _ in range(8)]
    assert losses[-1] < losses[0] * 0.95, number_format


def test_likelihoods_are_those_of_float32(
    loaded: LoadedModel,
    number_format: str,  # noqa: F811
) -> None:
    close = 3 * CLOSE[number_format]
    texts = [([*loaded.form.prompt([]), 5, 9, 70, 12], 3)]
    found = likelihoods(loaded, CONTEXTS, TEXTS), readings(loaded, CONTEXTS, TEXTS)[0].end
    ((total, count),) = summed_losses(loaded, texts)
    in_float32(loaded)
    assert found[0] == pytest.approx(likelihoods(loaded, CONTEXTS, TEXTS), rel=close)
    assert found[1] == pytest.approx(readings(loaded, CONTEXTS, TEXTS)[0].end, rel=close)
    ((truth, same_count),) = summed_losses(loaded, texts)
    assert total == pytest.approx(truth, rel=close)
    assert count == same_count


def test_a_likelihood_has_more_digits_than_bfloat16(
    loaded: LoadedModel,
    number_format: str,  # noqa: F811
) -> None:
    """A mean of numbers rounded to 8 bits would differ from that of their float32 logits."""
    ids = [1, 5, 9, 70, 12, 33, 40]
    ((total, _),) = summed_losses(loaded, [(ids, 1)])
    ((_, rows, logits),) = batched_logits(loaded, [ids])
    scores = numpy(logits.astype(mx.float32))[0].astype(np.float64)
    predicted = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    truth = -sum(predicted[place, token] for place, token in enumerate(numpy(rows)[0, 1:]))
    assert total == pytest.approx(truth, rel=1e-5), number_format


def test_soft_targets_are_those_of_float32(
    loaded: LoadedModel,
    number_format: str,  # noqa: F811
) -> None:
    """Probabilities of logits in 16 bits are computed in float32: their sum is no more than 1."""
    texts = [([1, 5, 9, 70, 12, 33, 40], 2), ([1, 50, 60], 1)]
    found = _computed(loaded, texts, never)
    in_float32(loaded)
    for rounded, exact in zip(found, _computed(loaded, texts, never), strict=True):
        assert rounded.probabilities.dtype == np.float32
        assert (rounded.probabilities.sum(axis=-1) <= 1 + 1e-5).all()
        largest = exact.probabilities.max(axis=-1)
        close = 30 * CLOSE[number_format]  # of one token rather than of a mean over many
        assert np.allclose(rounded.probabilities.max(axis=-1), largest, rtol=close)
