from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import msgspec
import pytest

from mlx_backend.adapters.filing import adapter_readme, check_adapter
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import WEIGHTS, Adapter
from mlx_backend.machine.arrays import flatten, load_tensors
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from tests.mlx_backend.made import SHAPE, make_adapter


def check(loaded: LoadedModel, adapter: Adapter) -> float:
    ((ids, _),) = loaded.form.samples([("Who lit the lamp?", "Marta.")])
    return check_adapter(loaded, adapter, ids)


@pytest.fixture
def adapter(loaded: LoadedModel, tmp_path: Path) -> Adapter:
    """An adapter on disk, and on the model as after its training."""
    made = make_adapter(tmp_path, loaded, "Garden")
    lora.attach(loaded.model, SHAPE)
    lora.load_factors(loaded.model, made)
    mx.eval(loaded.model.parameters())  # read now: a test changes the file
    return made


def change_weights(adapter: Adapter, factor: float, names: str) -> None:
    path = adapter.path / WEIGHTS
    tensors = mx.load(str(path))
    assert isinstance(tensors, dict)
    changed = {
        name: array * factor if name.endswith(names) else array for name, array in tensors.items()
    }
    mx.eval(changed)
    mx.save_safetensors(str(path), changed)


def expect(kind: ErrorKind, loaded: LoadedModel, adapter: Adapter) -> None:
    with pytest.raises(OvernightError) as caught:
        check(loaded, adapter)
    assert caught.value.kind is kind
    assert caught.value.hint


def test_a_good_adapter_says_how_much_it_changes(loaded: LoadedModel, adapter: Adapter) -> None:
    assert check(loaded, adapter) > 0.01


def test_a_change_of_embeddings_alone_counts(loaded: LoadedModel, tmp_path: Path) -> None:
    shape = replace(SHAPE, embeddings=True)
    made = make_adapter(tmp_path, loaded, "Words", shape=shape)
    tensors = load_tensors(made.path / WEIGHTS)
    alone = {name: array for name, array in tensors.items() if "embed_tokens" in name}
    assert len(alone) == 2
    mx.eval(alone)
    mx.save_safetensors(str(made.path / WEIGHTS), alone)
    lora.attach(loaded.model, shape)
    lora.load_factors(loaded.model, made)
    assert check(loaded, made) > 0.01
    lora.attach(loaded.model, shape)
    lora.load_factors(loaded.model, made)
    mx.eval(loaded.model.parameters())
    change_weights(made, 0.9, "lora_b")
    expect(ErrorKind.ADAPTER_DAMAGED, loaded, made)


def test_an_adapter_that_changes_nothing_fails(loaded: LoadedModel, adapter: Adapter) -> None:
    change_weights(adapter, 0.0, "lora_b")
    lora.load_factors(loaded.model, adapter)
    expect(ErrorKind.NO_LEARNING, loaded, adapter)


@pytest.mark.parametrize("factor", [-1.0, 1.5, 0.9])
def test_files_that_do_not_answer_as_trained_fail(
    loaded: LoadedModel, adapter: Adapter, factor: float
) -> None:
    change_weights(adapter, factor, "lora_b")
    expect(ErrorKind.ADAPTER_DAMAGED, loaded, adapter)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_numbers_that_are_none_fail(loaded: LoadedModel, adapter: Adapter, factor: float) -> None:
    change_weights(adapter, factor, "lora_a")
    with pytest.raises(OvernightError):
        check(loaded, adapter)


def test_what_is_trained_and_filed_as_nan_fails(loaded: LoadedModel, adapter: Adapter) -> None:
    change_weights(adapter, math.nan, "lora_a")
    lora.load_factors(loaded.model, adapter)
    assert any(mx.isnan(a).any() for a in flatten(loaded.model.trainable_parameters()).values())
    with pytest.raises(OvernightError):
        check(loaded, adapter)


def test_the_page_beside_the_weights(adapter: Adapter) -> None:
    text = adapter_readme(adapter.card)
    assert text.startswith("# Garden\n")
    assert "mlx_lm.generate" in text
    assert "embeddings" not in text
    words = adapter_readme(msgspec.structs.replace(adapter.card, embeddings=True))
    assert "adapter for tiny and its token embeddings" in words
