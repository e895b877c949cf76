"""What the base model finds likely, and what learning that comes to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import msgspec
import numpy as np
import pytest

from mlx_backend.dataset.samples import GENERAL, Dataset, Sample
from mlx_backend.library import Library
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.preparation import prepare
from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.distillation import SOFT_TARGETS, soft_targets
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.target_files import WIDTH
from mlx_backend.training.tokenised import TokenisedSample
from tests.mlx_backend.arrays import numpy

PAIRS = [
    ("What is a fridge for?", "It keeps food cold."),
    ("Name a colour.", "Red."),
    ("Say nothing.", ""),
]


@pytest.fixture
def samples(loaded: LoadedModel) -> list[tuple[list[int], int]]:
    return loaded.form.samples(PAIRS)


def test_they_are_the_likeliest_tokens_with_their_likelihood(
    loaded: LoadedModel, samples: list[tuple[list[int], int]]
) -> None:
    for (ids, prompt), soft in zip(samples, soft_targets(loaded, samples), strict=True):
        assert soft.tokens.shape == soft.probabilities.shape == (len(ids) - prompt, WIDTH)
        true = numpy(mx.softmax(loaded.model(mx.array([ids[:-1]]))[0], axis=-1))[prompt - 1 :]
        for at, (tokens, shares) in enumerate(zip(soft.tokens, soft.probabilities, strict=True)):
            assert set(tokens) == set(np.argsort(-true[at])[:WIDTH])
            np.testing.assert_allclose(shares, true[at][tokens], rtol=1e-3)


def test_they_are_kept_with_the_model(
    loaded: LoadedModel, samples: list[tuple[list[int], int]]
) -> None:
    first = soft_targets(loaded, samples[:2])
    without = dataclasses.replace(loaded, model=nn.Module())  # which could not be asked
    again = soft_targets(without, samples[1::-1])
    np.testing.assert_array_equal(again[1].probabilities, first[0].probabilities)
    assert len(soft_targets(loaded, samples)) == 3


@pytest.mark.parametrize("damage", [lambda _: b"", lambda b: b[:300], lambda _: b"no zip"])
def test_a_damaged_file_is_made_anew(
    loaded: LoadedModel,
    samples: list[tuple[list[int], int]],
    damage: Callable[[bytes], bytes],
) -> None:
    path = loaded.info.path / SOFT_TARGETS
    whole = soft_targets(loaded, samples)
    path.write_bytes(damage(path.read_bytes()))
    again = soft_targets(loaded, samples)
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)


def cut_rows(kept: dict[str, Any]) -> None:
    kept["tokens"], kept["shares"] = kept["tokens"][:-1], kept["shares"][:-1]


def narrow(kept: dict[str, Any]) -> None:
    kept["tokens"], kept["shares"] = kept["tokens"][:, 1:], kept["shares"][:, 1:]


@pytest.mark.parametrize(
    "spoil",
    [
        cut_rows,
        narrow,
        lambda kept: kept.update(shares=kept["shares"][:, 1:]),
        lambda kept: kept.update(ends=kept["ends"][::-1]),
        lambda kept: kept.update(ends=kept["ends"][:-1]),
        lambda kept: kept.update(ends=np.int64(3)),
        lambda kept: kept.update(ends=kept["ends"].astype(np.float64)),
        lambda kept: kept.update(tokens=kept["tokens"] + 1_000_000),
        lambda kept: kept.update(tokens=-kept["tokens"] - 1),
        lambda kept: kept.update(tokens=kept["tokens"].astype(np.float32)),
        lambda kept: kept.update(shares=kept["shares"] * np.nan),
        lambda kept: kept.update(shares=kept["shares"] + 1),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_this_models_is_made_anew(
    loaded: LoadedModel,
    samples: list[tuple[list[int], int]],
    spoil: Callable[[dict[str, Any]], None],
) -> None:
    path = loaded.info.path / SOFT_TARGETS
    whole = soft_targets(loaded, samples)
    with np.load(path) as file:
        kept = dict(file)
    spoil(kept)
    np.savez(path, **kept)
    again = soft_targets(loaded, samples)
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one.tokens, other.tokens)
        np.testing.assert_array_equal(one.probabilities, other.probabilities)


def test_the_base_model_learns_nothing_from_them_and_another_comes_back(
    loaded: LoadedModel, samples: list[tuple[list[int], int]]
) -> None:
    found = zip(samples, soft_targets(loaded, samples), strict=True)
    taught = [TokenisedSample.of(ids, prompt, soft=soft) for (ids, prompt), soft in found]
    batch = PackedBatches(taught, seed=0)[0]
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0))
    step = TrainingStep(loaded.model)
    assert step(batch, rate=0.0) == pytest.approx(0.0, abs=1e-4)
    fresh = flatten(loaded.model.trainable_parameters())
    mx.random.seed(0)
    changed = [(name, mx.random.normal(array.shape) * 0.3) for name, array in fresh.items()]
    loaded.model.load_weights(changed, strict=False)
    losses = [step(batch, rate=1e-2) for _ in range(30)]
    assert losses[-1] < 0.3 * losses[0]


def test_of_a_dataset_only_the_general_samples_are_taught_so(
    filled_library: Library, spec: TrainSpec, dataset: Dataset
) -> None:
    general = [Sample(prompt, answer, 0, 0, GENERAL) for prompt, answer in PAIRS[:2]]
    mixed = msgspec.structs.replace(dataset, train=(*general, *dataset.train))
    prepared = prepare(filled_library, spec, mixed)
    assert prepared.soft.trained.keys() == {0, 1}
    seen = set()
    for step in range(prepared.batches.steps(1)):
        for part in prepared.batches[step]:
            named = (numpy(part.probabilities)[: part.tokens] > 0).sum(axis=1)
            is_general = part.samples < 2
            assert (named[is_general] > 1).all()
            assert (named[~is_general] == 1).all()
            seen |= set(part.samples.tolist())
    assert {0, 1} < seen
