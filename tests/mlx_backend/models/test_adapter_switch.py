"""Adapters change on a loaded model as a fresh load would have them, bit by bit."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import mlx.core as mx
import pytest

from mlx_backend.errors import OvernightError
from mlx_backend.library.adapters import WEIGHTS, Adapter
from mlx_backend.models import adapter_switch, lora
from mlx_backend.models.adapter_switch import AdapterSwitch
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.lora import LoraShape
from tests.mlx_backend.made import make_adapter

IDS = mx.array([[1, 5, 9, 70, 12, 33]])
SHAPES = {
    "small": LoraShape(rank=2, scale=2.0),
    "large": LoraShape(rank=16, scale=0.5),
    "fewer layers": LoraShape(rank=4, scale=2.0, skipped=("mlp.up_proj", "self_attn.q_proj")),
    "embeddings": LoraShape(rank=4, scale=1.0, embeddings=True),
    "dora": LoraShape(rank=4, scale=2.0, decomposed=True),
}
Load = Callable[[], LoadedModel]


@pytest.fixture
def adapters(loaded: LoadedModel, tmp_path: Path) -> dict[str, Adapter]:
    return {
        name: make_adapter(tmp_path, loaded, name, seed, shape)
        for seed, (name, shape) in enumerate(SHAPES.items())
    }


def logits(loaded: LoadedModel) -> mx.array:
    found: mx.array = loaded.model(IDS)
    return found


def test_a_switch_is_a_fresh_load(
    loaded: LoadedModel, load_tiny: Load, adapters: dict[str, Adapter]
) -> None:
    """Between all pairs: layers, ranks and kinds of the adapter before leave nothing behind."""
    wanted = {}
    for name, adapter in adapters.items():
        other = load_tiny()
        lora.apply_adapters(other.model, [(adapter, 1.0)])
        wanted[name] = logits(other)
    base = logits(load_tiny())
    switch = AdapterSwitch(loaded.model)
    for pair in itertools.permutations(adapters, 2):
        for name in pair:
            switch.use([(adapters[name], 1.0)])
            assert mx.array_equal(logits(loaded), wanted[name]), pair
    switch.use([])
    assert mx.array_equal(logits(loaded), base)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.3, -0.7), (2.0, 0.0)])
def test_several_with_weights_are_a_fresh_load(
    loaded: LoadedModel,
    load_tiny: Load,
    adapters: dict[str, Adapter],
    weights: Sequence[float],
) -> None:
    names = ("small", "fewer layers")
    chosen = [(adapters[name], weight) for name, weight in zip(names, weights, strict=True)]
    other = load_tiny()
    lora.apply_adapters(other.model, [each for each in chosen if each[1]])
    switch = AdapterSwitch(loaded.model)
    switch.use([(adapters["large"], 1.0)])
    switch.use(chosen)
    assert mx.array_equal(logits(loaded), logits(other))


def test_the_key_tells_contents_and_weights_apart(
    loaded: LoadedModel, adapters: dict[str, Adapter], tmp_path: Path
) -> None:
    switch = AdapterSwitch(loaded.model)
    small, large = adapters["small"], adapters["large"]
    choices = [[], [(small, 1.0)], [(small, 0.5)], [(large, 1.0)], [(small, 1.0), (large, 1.0)]]
    keys = [switch.use(choice) for choice in choices]
    assert len(set(keys)) == len(choices)
    assert keys[0] == "" == switch.use([(small, 0.0)])
    assert [switch.use(choice) for choice in choices] == keys
    renamed = make_adapter(tmp_path / "again", loaded, "other name", 0, SHAPES["small"])
    assert switch.use([(renamed, 1.0)]) == keys[1]


def test_what_is_in_memory_is_not_read_again(
    loaded: LoadedModel, adapters: dict[str, Adapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = AdapterSwitch(loaded.model)
    key = switch.use([(adapters["small"], 1.0)])
    with monkeypatch.context() as patch:
        patch.setattr(adapter_switch, "read_factors", None)  # calling it would raise
        switch.use([])
        assert switch.use([(adapters["small"], 1.0)]) == key
        assert switch.use([(adapters["small"], 0.5)]) != key
    monkeypatch.setattr(adapter_switch, "_MOST_BYTES", 1)
    switch.use([(adapters["large"], 1.0)])
    assert switch.use([(adapters["small"], 1.0)]) == key  # read again


def test_a_changed_file_is_read_again(
    loaded: LoadedModel, adapters: dict[str, Adapter], tmp_path: Path
) -> None:
    switch = AdapterSwitch(loaded.model)
    small = adapters["small"]
    before = switch.use([(small, 1.0)])
    changed = make_adapter(tmp_path / "other", loaded, "small", 7, SHAPES["small"])
    (small.path / WEIGHTS).write_bytes((changed.path / WEIGHTS).read_bytes())
    assert switch.use([(small, 1.0)]) != before


@pytest.mark.parametrize("harm", ["gone", "damaged", "mixed"])
def test_what_fails_leaves_the_adapters_on(
    loaded: LoadedModel, adapters: dict[str, Adapter], harm: str
) -> None:
    chat = ChatModel(loaded)
    chat.use([(adapters["small"], 1.0)])
    before = logits(loaded)
    large = adapters["large"]
    if harm == "gone":
        (large.path / WEIGHTS).unlink()
    elif harm == "damaged":
        (large.path / WEIGHTS).write_bytes(b"x")
    wanted = [(large, 1.0)] if harm != "mixed" else [(large, 1.0), (adapters["dora"], 1.0)]
    with pytest.raises(OvernightError):
        chat.use(wanted)
    assert mx.array_equal(logits(loaded), before)


def test_the_base_in_between_needs_no_file(
    loaded: LoadedModel, load_tiny: Load, adapters: dict[str, Adapter]
) -> None:
    """The adapter may be deleted while it is on: comparing and weighing go on."""
    chat = ChatModel(loaded)
    chat.use([(adapters["small"], 1.0)])
    before = logits(loaded)
    for file in adapters["small"].path.iterdir():
        file.unlink()
    with chat.as_base() as base:
        assert mx.array_equal(logits(base), logits(load_tiny()))
    assert mx.array_equal(logits(loaded), before)
