"""Adapters on token embeddings, with heads that are tied to them and heads that are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from mlx_backend.library import Library
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import base_model, lora
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.loss import BatchArrays, split_head, target_losses
from mlx_backend.training.memory_saving import Recomputed, recompute
from mlx_backend.training.step import TrainingStep, part_arrays
from mlx_backend.training.tokenised import TokenisedSample
from mlx_backend.training.trial import try_training
from tests.mlx_backend.arrays import logits, numpy, relative_error
from tests.mlx_backend.model_types import write_model

IDS = [1, 50, 60, 70, 80, 90]
SHAPE = lora.LoraShape(rank=4, scale=2.0, embeddings=True)
NAME = "model.embed_tokens"
TOKENS = range(3, 390)

Make = Callable[[str, bool, int | None], LoadedModel]


@pytest.fixture
def make(library: Library, tiny_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Make:
    """Writes and loads a tiny model of an architecture, tied or not, plain or in few bits."""
    monkeypatch.setattr(base_model, "_to_float32", lambda model: None)

    def made(kind: str, tied: bool, bits: int | None) -> LoadedModel:
        folder = library.models / f"{kind} {tied} {bits}"
        write_model(folder, kind, tiny_folders["tiny"], bits, tie_word_embeddings=tied)
        return load_base_model(library, folder.name)

    return made


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def tied(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=[None, 4], ids=["float32", "4 bit"])
def model(request: pytest.FixtureRequest, make: Make, tied: bool) -> nn.Module:
    return make("llama", tied, request.param).model


@pytest.fixture
def batch() -> Batch:
    """More targets than the logits of one chunk, and padding."""
    random = np.random.default_rng(0)
    samples = [
        TokenisedSample.of(random.integers(3, 390, length).tolist(), prompt)
        for length, prompt in [(40, 10), (60, 1), (25, 24)]
    ]
    return PackedBatches(samples, seed=0)[0][0]


def attach(model: nn.Module) -> None:
    """An adapter that changes something already."""
    lora.attach(model, SHAPE)
    mx.random.seed(1)
    fresh = flatten(model.trainable_parameters())
    drawn = [(name, mx.random.normal(array.shape) * 0.1) for name, array in fresh.items()]
    model.load_weights(drawn, strict=False)


def gradients(model: nn.Module, batch: Batch, split: bool) -> tuple[float, dict[str, np.ndarray]]:
    arrays = BatchArrays(*part_arrays(batch))
    parts = split_head(model) if split else None
    assert (parts is not None) is split
    weights = mx.linspace(0.5, 1.5, len(batch.targets))  # not all alike, as nothing says they are

    def loss() -> mx.array:
        return (target_losses(model, arrays, parts) * weights).sum()

    model.train()
    value, found = nn.value_and_grad(model, loss)()
    model.eval()
    return float(value), {name: numpy(each) for name, each in flatten(found).items()}


def test_a_fresh_adapter_changes_no_logit(model: nn.Module) -> None:
    base = logits(model, IDS)
    lora.attach(model, SHAPE)
    assert (logits(model, IDS) == base).all()
    trainable = flatten(model.trainable_parameters())
    assert {f"{NAME}.lora_a", f"{NAME}.lora_b"} <= trainable.keys()
    assert all(name.endswith(("lora_a", "lora_b")) for name in trainable)


def test_taking_it_off_restores_the_base(model: nn.Module) -> None:
    base, names = logits(model, IDS), set(flatten(model.parameters()))
    attach(model)
    assert np.abs(logits(model, IDS) - base).max() > 0.01
    lora.detach(model)
    assert (logits(model, IDS) == base).all()
    assert set(flatten(model.parameters())) == names


@pytest.mark.parametrize("recomputed", ["nothing", "mlp", "layer"])
def test_chunks_of_logits_give_the_gradients_of_all_logits(
    model: nn.Module, batch: Batch, recomputed: Recomputed
) -> None:
    attach(model)
    truth = gradients(model, batch, split=False)
    recompute(model, recomputed)
    found = gradients(model, batch, split=True)
    recompute(model, "nothing")
    assert found[0] == pytest.approx(truth[0], rel=1e-5)
    assert found[1].keys() == truth[1].keys()
    for name, gradient in found[1].items():
        assert relative_error(gradient, truth[1][name]) < 1e-4, name


@pytest.mark.parametrize("split", [True, False])
def test_in_half_precision_they_are_those_of_float32(make: Make, batch: Batch, split: bool) -> None:
    model = make("llama", True, None).model
    model.set_dtype(mx.bfloat16)
    attach(model)
    assert model(mx.array([IDS])).dtype == mx.bfloat16
    value, found = gradients(model, batch, split)
    model.set_dtype(mx.float32)
    true_value, truth = gradients(model, batch, split=False)
    assert value == pytest.approx(true_value, rel=1e-2)
    for name in (f"{NAME}.lora_a", f"{NAME}.lora_b"):
        assert relative_error(found[name], truth[name]) < 3e-2, name


def test_they_are_those_of_embeddings_that_are_changed_themselves(
    make: Make, tied: bool, batch: Batch
) -> None:
    """By the chain rule: what A and B get is what the changed embeddings themselves would get."""
    model = make("llama", tied, None).model
    attach(model)
    found = gradients(model, batch, split=True)[1]
    a, b = (getattr(model.model.embed_tokens, f"lora_{which}") for which in "ab")
    embeddings = model.model.embed_tokens.embedding
    model.model.embed_tokens = embeddings
    embeddings.weight = embeddings.weight + SHAPE.scale * (a @ b)
    embeddings.unfreeze(keys=["weight"])
    whole = mx.array(gradients(model, batch, split=False)[1][f"{NAME}.weight"])
    for which, truth in (("a", whole @ b.T), ("b", a.T @ whole)):
        error = relative_error(found[f"{NAME}.lora_{which}"], numpy(SHAPE.scale * truth))
        assert error < 1e-4, which


def test_only_a_tied_head_changes_with_the_embeddings(make: Make, tied: bool) -> None:
    model = make("llama", tied, None).model
    hidden = mx.random.normal((1, 64))
    lora.attach(model, SHAPE)
    parts = split_head(model)
    assert parts is not None
    before = parts.head(hidden)
    attach(model)
    parts = split_head(model)
    assert parts is not None
    assert bool(mx.array_equal(parts.head(hidden), before)) is not tied


def test_steps_learn_and_leave_the_base_alone(model: nn.Module, batch: Batch) -> None:
    base = {name: numpy(each) for name, each in flatten(model.parameters()).items()}
    lora.attach(model, SHAPE)
    training = TrainingStep(model)
    losses = [training([batch], rate=1e-2) for _ in range(8)]
    assert losses[-1] < losses[0] * 0.95
    assert numpy(model.model.embed_tokens.lora_b).any()
    lora.detach(model)
    after = flatten(model.parameters())
    assert all((numpy(after[name]) == each).all() for name, each in base.items())


def test_held_out_losses_are_those_of_all_logits(model: nn.Module, batch: Batch) -> None:
    attach(model)
    found = TrainingStep(model).losses(batch)
    truth = target_losses(model, BatchArrays(*part_arrays(batch)), None)
    assert np.allclose(found, numpy(truth)[: batch.tokens], atol=1e-4)


def test_dropout_on_a_tied_head_is_drawn_once(make: Make) -> None:
    """Chunks would draw other units when they are computed again."""
    model = make("llama", True, None).model
    lora.attach(model, lora.LoraShape(4, 2.0, dropout=0.1, embeddings=True))
    assert split_head(model) is None
    model = make("llama", False, None).model
    lora.attach(model, lora.LoraShape(4, 2.0, dropout=0.1, embeddings=True))
    assert split_head(model) is not None


@pytest.mark.parametrize("bits", [None, 4])
@pytest.mark.parametrize("kind", ["llama", "qwen3", "gemma3_text", "lfm2", "qwen3_moe", "gpt2"])
def test_a_trial_tells_whether_embeddings_can_be_trained(
    make: Make, kind: str, bits: int | None
) -> None:
    loaded = make(kind, True, bits)
    names = set(flatten(loaded.model.parameters()))
    assert try_training(loaded).embeddings
    assert set(flatten(loaded.model.parameters())) == names


def test_embeddings_that_are_no_layer_to_their_model_are_not_trained(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = make("llama", True, None)

    def call(self: nn.Module, inputs: mx.array, cache: object = None) -> mx.array:
        hidden: mx.array = self.model(inputs, cache)
        weight: mx.array = self.model.embed_tokens.weight
        return hidden @ weight.T

    monkeypatch.setattr(type(loaded.model), "__call__", call)
    trial = try_training(loaded)
    assert not trial.embeddings
    assert trial.packs


def test_embeddings_of_positions_get_none(make: Make) -> None:
    model = make("gpt2", True, None).model
    lora.attach(model, SHAPE)
    adapted = {name for name in lora.adapter_weights(model) if "lora_a" in name}
    assert "model.wte.lora_a" in adapted
    assert not any("wpe" in name for name in adapted)
