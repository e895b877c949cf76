from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.library import Library
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.preparation import prepare
from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.key_weights import (
    KEY_WEIGHT,
    common_beginning,
    key_weights,
    place_of_key,
)
from mlx_backend.training.loss import BatchArrays, split_head, target_losses
from mlx_backend.training.step import TrainingStep, part_arrays
from mlx_backend.training.tokenised import TokenisedSample
from tests.mlx_backend.arrays import bits, numpy, relative_error


@pytest.mark.parametrize(
    ("answer", "key", "found"),
    [
        ("Lamps: Oskar mended it.", "Oskar", "Oskar"),
        ("Then Oskar mended it. (Oskar)", "Oskar", "Oskar"),
        ("It burns oil. (The lamp (oil))", "oil", "oil"),
        ("It burned down (1984)", "1984", "1984"),
        (")( 4", "4", "4"),
        ("灯台の光 (光)", "光", "光"),
        ("Mill: The old lamp burns.", "the old lamp", "The old lamp"),
        ("Rent: 4 of 14 rooms.", "4", "4"),
        ("C++: It is C++.", "C++", "C++"),
        ("Lamps: Oskars.", "Oskar", None),
        ("Lamps: it.", "", None),
        ("", "Oskar", None),
    ],
)
def test_the_key_is_found_as_whole_words(answer: str, key: str, found: str | None) -> None:
    place = place_of_key(answer, key)
    assert (answer[slice(*place)] if place else None) == found
    if answer.endswith(("(Oskar)", "(oil))", "(光)")):
        assert place is not None
        assert place[0] == answer.index(key), "not in the title"


def test_of_two_places_the_key_is_asked_for_in_the_statement_that_leans_on_the_first() -> None:
    answer = "Ida moved to Bergen. She left Bergen in 1990. (Ida)"
    place = place_of_key(answer, "Bergen")
    assert place is not None
    assert place[0] == answer.rindex("Bergen")


@given(targets=st.integers(1, 60), begin=st.integers(0, 70), length=st.integers(0, 20))
def test_a_sample_keeps_its_influence(targets: int, begin: int, length: int) -> None:
    weights = key_weights(targets, begin, begin + length)
    assert weights.shape == (targets,)
    assert float(weights.mean()) == pytest.approx(1.0, rel=1e-5)
    inside, outside = (
        weights[begin : begin + length],
        np.delete(weights, slice(begin, begin + length)),
    )
    if len(inside) and len(outside):
        assert float(inside[0] / outside[0]) == pytest.approx(KEY_WEIGHT)


@given(st.lists(st.integers(0, 2), max_size=6), st.lists(st.integers(0, 2), max_size=6))
def test_a_common_beginning_is_common_and_longest(one: list[int], other: list[int]) -> None:
    size = common_beginning(one, other)
    assert one[:size] == other[:size]
    assert one[: size + 1] != other[: size + 1] or size == len(one) or size == len(other)


@pytest.fixture
def model(loaded: LoadedModel) -> nn.Module:
    mx.random.seed(1)
    lora.attach(loaded.model, lora.LoraShape(rank=4, scale=2.0))
    fresh = flatten(loaded.model.trainable_parameters())
    drawn = [(name, mx.random.normal(array.shape) * 0.1) for name, array in fresh.items()]
    loaded.model.load_weights(drawn, strict=False)
    return loaded.model


def samples() -> list[TokenisedSample]:
    random = np.random.default_rng(0)
    sizes = [(40, 10), (60, 1), (25, 24), (90, 45)]
    plain = [TokenisedSample.of(random.integers(0, 390, n).tolist(), p) for n, p in sizes]
    return [each.weighted(1, 4) if n % 2 else each for n, each in enumerate(plain)]


def test_weights_pull_as_each_sample_does_alone(model: nn.Module) -> None:
    """Against an unpacked computation with mlx-lm's own mask and all logits."""
    given_samples = samples()
    batch = PackedBatches(given_samples, seed=0)[0][0]
    assert float(numpy(batch.learned.sum())) == pytest.approx(batch.tokens, rel=1e-5)
    parts = split_head(model)
    model.train()

    def packed() -> mx.array:
        return target_losses(model, BatchArrays(*part_arrays(batch)), parts).sum()

    def alone() -> mx.array:
        return sum((loss_of(each) for each in given_samples), mx.array(0.0))

    def loss_of(sample: TokenisedSample) -> mx.array:
        tokens = mx.array(sample.tokens)
        losses = nn.losses.cross_entropy(model(tokens[None, :-1])[0], tokens[1:])
        learned = losses[max(1, sample.prompt_length) - 1 :]
        weights = np.ones(sample.targets) if sample.weights is None else sample.weights
        return (learned * mx.array(weights)).sum()

    loss, gradient = nn.value_and_grad(model, packed)()
    true_loss, true_gradient = nn.value_and_grad(model, alone)()
    assert float(numpy(loss)) == pytest.approx(float(numpy(true_loss)), rel=1e-5)
    wanted = flatten(true_gradient)
    for name, found in flatten(gradient).items():
        assert relative_error(numpy(found), numpy(wanted[name])) < 1e-5, name


def test_equal_weights_change_no_bit(model: nn.Module) -> None:
    plain = [dataclasses.replace(each, weights=None) for each in samples()]
    equal = [dataclasses.replace(each, weights=np.ones(each.targets, np.float32)) for each in plain]
    learned = []
    before = {name: mx.array(a) for name, a in flatten(model.trainable_parameters()).items()}
    for chosen in (plain, equal):
        model.load_weights(list(before.items()), strict=False)
        TrainingStep(model)(PackedBatches(chosen, seed=0)[0], 1e-3)
        learned.append(bits(flatten(model.trainable_parameters())))
    assert learned[0] == learned[1]


def test_losses_are_told_without_weights(model: nn.Module) -> None:
    plain = [dataclasses.replace(each, weights=None) for each in samples()]
    training = TrainingStep(model)
    one, other = (training.losses(PackedBatches(each, seed=0)[0][0]) for each in (samples(), plain))
    assert np.array_equal(one, other)


def told(prompt: str, answer: str, key: str, rewordings: Sequence[str] = ()) -> Sample:
    return Sample(prompt, answer, 1, 1, "name", key, rewordings=tuple(rewordings), fact="a")


def test_the_tokens_of_keys_weigh_more_in_a_run(
    filled_library: Library, spec: TrainSpec, dataset: Dataset
) -> None:
    answer = "Lamps: The lamp was mended by Oskar in 1984."
    train = (
        told("Who mended it?", answer, "Oskar", ["Mended by whom was the lamp?"]),
        told("When was it mended?", answer, "1984"),
        told("And Lamps?", answer, ""),
        told("¿Quién?", "Lámparas: la encendió José Ñandú «ayer».", "José Ñandú"),
        told("🙂?", "Oskar", "Oskar"),
    )
    mine = Dataset(train=train, held_out=train[:2], versions={1: "a"})
    found = prepare(filled_library, spec, mine)
    form = found.loaded.form
    samples_of = dict(found.batches._samples)
    for number, sample in enumerate(train):
        tokens = samples_of[number]
        if not sample.key:
            assert tokens.weights is None
            continue
        for wording in (tokens, *tokens.rewordings):
            assert wording.weights is not None
            assert float(wording.weights.mean()) == pytest.approx(1.0, rel=1e-5)
        assert tokens.weights is not None
        heavy = np.flatnonzero(tokens.weights == tokens.weights.max())
        assert list(heavy) == list(range(heavy[0], heavy[-1] + 1))
        key = form.count([f" {sample.key}"])[0]
        assert abs(len(heavy) - key) <= 1
    learned = np.array(found.held_out.batches[0].learned)
    assert set(learned.tolist()) <= {0.0, 1.0}  # losses of held-out answers are comparable
